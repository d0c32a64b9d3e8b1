using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>What changes between RCPT and the end of DATA: nothing reaches an id that is gone, nor whoever has its name now.</summary>
[Collection(SharedGateways.Name)]
public sealed class MeanwhileTests(GatewayCluster cluster)
{
    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task MessageToADeletedMailboxIsRefusedAndLeavesNothing(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var bob = await tenant.AddMailboxAsync("bob");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(tenant.Address("bob"));

        var reply = await client.DataAsync(TestMail.OfSize(bytes), () => tenant.DeleteMailboxAsync("bob"));

        Assert.StartsWith("451 4.3.0 ", reply, StringComparison.Ordinal);
        Assert.Null(await cluster.ListAsync(bob));
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
    }

    [Fact]
    public async Task MailboxMadeAgainUnderTheSameNameGetsNothingByMistake()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var before = await tenant.AddMailboxAsync("bob");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(tenant.Address("bob"));

        var reply = await client.DataAsync(TestMail.New(), async () =>
        {
            await tenant.DeleteMailboxAsync("bob");
            await tenant.AddMailboxAsync("bob");
        });

        Assert.StartsWith("451 4.3.0 ", reply, StringComparison.Ordinal);
        Assert.NotEqual(before, await tenant.MailboxAsync("bob"));
        Assert.Null(await cluster.ListAsync(before));
        Assert.Equal(0, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task DomainThatMovedToAnotherTenantTakesNoMailAlong()
    {
        await using var before = await TestTenant.CreateAsync(cluster);
        await using var after = await TestTenant.CreateAsync(cluster);
        var (domain, address) = ($"moving-{before.Domain}", $"bob@moving-{before.Domain}");
        await before.PutDomainAsync(domain);
        var old = await before.AddMailboxAsync(address);
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(address);

        var reply = await client.DataAsync(TestMail.New(), async () =>
        {
            await before.DeleteMailboxAsync(address);
            await MoveAsync(domain, before, after);
            await after.AddMailboxAsync(address);
        });

        Assert.StartsWith("451 4.3.0 ", reply, StringComparison.Ordinal);
        Assert.Null(await cluster.ListAsync(old));
        Assert.Equal(0, await after.CountAsync(address));
    }

    /// <summary>The old tenant's mailbox lives on in another domain: only the name's meaning tells that the mail is not for it any more.</summary>
    [Theory]
    [InlineData("list", 100)]
    [InlineData("anybody", 100)]
    [InlineData("anybody", 40_000)]
    [InlineData("postmaster", 100)]
    public async Task NameInADomainThatMovedLeadsToTheOldTenantNoMore(string localpart, int bytes)
    {
        await using var before = await TestTenant.CreateAsync(cluster, "bob");
        await using var after = await TestTenant.CreateAsync(cluster, "carol");
        var (domain, address) = ($"moving-{before.Domain}", $"{localpart}@moving-{before.Domain}");
        await before.PutDomainAsync(domain, catchAll: localpart == "anybody" ? before.Address("bob") : null);
        if (localpart == "list")
        {
            await before.PutAliasAsync(address, "bob");
        }

        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(address);
        var content = TestMail.OfSize(bytes);

        var reply = await client.DataAsync(content, async () =>
        {
            if (localpart == "list")
            {
                Assert.Equal(DeleteOutcome.Deleted, await before.Grain.DeleteAliasAsync(new AddressName(localpart, domain), default));
            }

            await MoveAsync(domain, before, after);
            await after.PutDomainAsync(domain, catchAll: after.Address("carol"));
        });

        Assert.StartsWith("451 ", reply, StringComparison.Ordinal);
        Assert.Equal(0, await before.CountAsync("bob"));
        Assert.Equal(0, await after.CountAsync("carol"));
        Assert.Empty(await cluster.BlobsAsync(before.Name));
        Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, address), StringComparison.Ordinal);
        Assert.Equal(0, await before.CountAsync("bob"));
        Assert.Equal(1, await after.CountAsync("carol"));
    }

    [Fact]
    public async Task ListThatGainsAMemberMeanwhileIsServedAsItWas()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        await tenant.PutAliasAsync("staff", "bob");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(tenant.Address("staff"));

        var reply = await client.DataAsync(TestMail.New(), () => tenant.PutAliasAsync("staff", "bob", "carol"));

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("bob"));
        Assert.Equal(0, await tenant.CountAsync("carol"));
    }

    private static async Task MoveAsync(string domain, TestTenant from, TestTenant to)
    {
        Assert.Equal(DeleteOutcome.Deleted, await from.Grain.DeleteDomainAsync(domain, default));
        await to.PutDomainAsync(domain);
    }
}
