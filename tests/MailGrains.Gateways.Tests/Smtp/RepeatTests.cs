using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>A client that did not see its 250 sends again (RFC 1047).</summary>
[Collection(SharedGateways.Name)]
public sealed class RepeatTests(GatewayCluster cluster)
{
    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task RepeatedMessageIsKeptOnceAndAnswered250(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        var content = TestMail.OfSize(bytes);

        for (var i = 0; i < 3; i++)
        {
            var reply = await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"), tenant.Address("carol"));
            Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        }

        Assert.Equal(1, await tenant.CountAsync("bob"));
        Assert.Equal(1, await tenant.CountAsync("carol"));
        Assert.EndsWith(content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RepeatToOneRecipientMoreReachesThatOneOnly()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        var content = TestMail.OfSize(40_000);

        await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"));
        await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"), tenant.Address("carol"));

        foreach (var reader in new[] { "bob", "carol" })
        {
            Assert.EndsWith(
                content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address(reader))), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RepeatToOneOfTheRecipientsThatLedToAMailboxIsRecognised(bool listAgain)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        await tenant.PutAliasAsync("team", ["bob", "carol"]);
        var content = TestMail.OfSize(1_000);

        await SmtpClient.SendAsync(cluster, content, tenant.Address("team"), tenant.Address("bob"));
        await SmtpClient.SendAsync(cluster, content, tenant.Address(listAgain ? "team" : "bob"));

        Assert.Equal(1, await tenant.CountAsync("bob"));
        Assert.Equal(1, await tenant.CountAsync("carol"));
    }

    [Fact]
    public async Task MessagesWithoutMessageIdAreTwoMessages()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");

        await SmtpClient.SendAsync(cluster, TestMail.WithoutId(), tenant.Address("bob"));
        await SmtpClient.SendAsync(cluster, TestMail.WithoutId(), tenant.Address("bob"));

        Assert.Equal(2, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task OtherContentUnderTheSameMessageIdIsAnotherMessage()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");

        await SmtpClient.SendAsync(cluster, TestMail.WithId("1@example.org", "one\r\n"), tenant.Address("bob"));
        await SmtpClient.SendAsync(cluster, TestMail.WithId("1@example.org", "two\r\n"), tenant.Address("bob"));

        Assert.Equal(2, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task RepeatOfWhatWasDeletedMeanwhileStaysDeleted()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var content = TestMail.New();
        await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"));
        await using (var reader = await Pop3Client.LogInAsync(cluster, tenant.Address("bob")))
        {
            await reader.AskAsync("DELE 1");
            Assert.StartsWith("+OK", await reader.AskAsync("QUIT"), StringComparison.Ordinal);
        }

        Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("bob")), StringComparison.Ordinal);

        Assert.Equal(0, await tenant.CountAsync("bob"));
    }
}
