using System.Net;
using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Pop3;

/// <summary>POP3 on real mailboxes: logins, and what sessions see of each other.</summary>
[Collection(SharedGateways.Name)]
public sealed class Pop3GatewayTests(GatewayCluster cluster)
{
    [Fact]
    public async Task TwoSessionsSideBySideDeleteAtQuitOnly()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await SendAsync(tenant, 4);
        await using var first = await Pop3Client.LogInAsync(cluster, tenant.Address("bob"));
        await using var second = await Pop3Client.LogInAsync(cluster, tenant.Address("bob"));
        var ids = await first.ListAsync("UIDL");
        Assert.Equal(ids, await second.ListAsync("UIDL"));

        await first.AskAsync("DELE 1");
        await first.AskAsync("DELE 2");
        await second.AskAsync("DELE 2");
        await second.AskAsync("DELE 3");
        Assert.Equal(4, await tenant.CountAsync("bob"));
        Assert.StartsWith("+OK", await first.AskAsync("QUIT"), StringComparison.Ordinal);
        Assert.Equal(2, await tenant.CountAsync("bob"));

        // The session keeps its view, and reads what the other one has removed until that is purged; deleting it too is no failure.
        Assert.Contains("message 1", await second.RetrieveAsync(1), StringComparison.Ordinal);
        Assert.Contains("message 4", await second.RetrieveAsync(4), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await second.AskAsync("QUIT"), StringComparison.Ordinal);

        await using var third = await Pop3Client.LogInAsync(cluster, tenant.Address("bob"));
        Assert.Equal([ids[3].Replace("4 ", "1 ", StringComparison.Ordinal)], await third.ListAsync("UIDL"));
    }

    [Fact]
    public async Task SessionThatIsCutOffDeletesNothing()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await SendAsync(tenant, 2);
        await using (var client = await Pop3Client.LogInAsync(cluster, tenant.Address("bob")))
        {
            Assert.StartsWith("+OK", await client.AskAsync("DELE 1"), StringComparison.Ordinal);
        }

        Assert.Equal(2, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task MessageThatArrivesMeanwhileIsTheNextSessions()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await SendAsync(tenant, 1);
        await using var client = await Pop3Client.LogInAsync(cluster, tenant.Address("bob"));
        await SendAsync(tenant, 1);

        Assert.Equal(1, await client.CountAsync());
        Assert.Equal(2, (await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))).Count);
    }

    [Fact]
    public async Task StatAndListCountTheOctetsThatRetrSends()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("bob"));
        await SmtpClient.SendAsync(cluster, TestMail.OfSize(40_000), tenant.Address("bob"));
        await using var client = await Pop3Client.LogInAsync(cluster, tenant.Address("bob"));

        var sizes = new[] { (await client.RetrieveAsync(1)).Length, (await client.RetrieveAsync(2)).Length };

        Assert.Equal([$"1 {sizes[0]}", $"2 {sizes[1]}"], await client.ListAsync("LIST"));
        Assert.StartsWith($"+OK 2 {sizes.Sum()}", await client.AskAsync("STAT"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bob", "wrong password")]
    [InlineData("nobody", TestTenant.Password)]
    [InlineData("staff", TestTenant.Password)]
    [InlineData("locked", TestTenant.Password)]
    public async Task WrongPasswordAndWrongNameGetOneAnswer(string localpart, string password)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await tenant.AddMailboxAsync("locked", password: null);
        await tenant.PutAliasAsync("staff", "bob");
        await using var client = await Pop3Client.OpenAsync(cluster);

        var reply = await client.LogInAsync(tenant.Address(localpart), password);

        Assert.StartsWith("-ERR [AUTH] ", reply, StringComparison.Ordinal);
        Assert.Equal(reply, await client.LogInAsync("bob@example.com", password));
        Assert.Equal(reply, await client.LogInAsync("bob", password));
    }

    [Fact]
    public async Task DeletedMailboxAndChangedPasswordCountAtOnce()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using (await Pop3Client.LogInAsync(cluster, tenant.Address("bob")))
        {
            await tenant.SetPasswordAsync("bob", "another password");
        }

        await using (var client = await Pop3Client.OpenAsync(cluster))
        {
            Assert.StartsWith("-ERR [AUTH] ", await client.LogInAsync(tenant.Address("bob"), TestTenant.Password), StringComparison.Ordinal);
            Assert.StartsWith("+OK", await client.LogInAsync(tenant.Address("bob"), "another password"), StringComparison.Ordinal);
            await tenant.DeleteMailboxAsync("bob");
        }

        await using var late = await Pop3Client.OpenAsync(cluster);
        Assert.StartsWith("-ERR [AUTH] ", await late.LogInAsync(tenant.Address("bob"), "another password"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PasswordsAreNotTakenInClearFromElsewhere()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var client = await Pop3Client.OpenAsync(cluster, IPAddress.Parse("192.0.2.1"));

        Assert.DoesNotContain("USER", await client.ListAsync("CAPA"));
        Assert.StartsWith("-ERR", await client.AskAsync($"USER {tenant.Address("bob")}"), StringComparison.Ordinal);
    }

    private async Task SendAsync(TestTenant tenant, int messages)
    {
        for (var i = 1; i <= messages; i++)
        {
            var reply = await SmtpClient.SendAsync(cluster, TestMail.New($"message {i}\r\n"), tenant.Address("bob"));
            Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        }
    }
}
