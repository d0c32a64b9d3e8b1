using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>What RCPT answers, and which mailboxes a recipient leads to.</summary>
[Collection(SharedGateways.Name)]
public sealed class RecipientTests(GatewayCluster cluster)
{
    [Fact]
    public async Task UnknownUserIsRefusedAtRcpt()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();

        Assert.StartsWith("550 5.1.1 ", await client.RcptAsync(tenant.Address("nobody")), StringComparison.Ordinal);
        Assert.StartsWith("550 5.1.1 ", await client.RcptAsync(tenant.Address("nobody+bob")), StringComparison.Ordinal);
        Assert.StartsWith("554 5.5.1 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(tenant.Address("BOB").ToUpperInvariant()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForeignDomainIsRefusedAtRcpt()
    {
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();

        Assert.StartsWith("550 5.7.1 ", await client.RcptAsync("bob@example.com"), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 ", await client.RcptAsync("postmaster@example.com"), StringComparison.Ordinal);
    }

    /// <summary>The forms by which servers were made relays (a percent hack, a bang path, a source route); OURS stands for the hosted domain.</summary>
    [Theory]
    [InlineData("user%example.com@OURS", "550 5.1.1 ")]
    [InlineData("\"user@example.com\"@OURS", "550 5.1.1 ")]
    [InlineData("\"user%example.com\"@OURS", "550 5.1.1 ")]
    [InlineData("example.com!user@OURS", "550 5.1.1 ")]
    [InlineData("user@example.com+bob@OURS", "501 5.1.3 ")]
    [InlineData("user@OURS@example.com", "501 5.1.3 ")]
    [InlineData("user@example.com@OURS", "501 5.1.3 ")]
    [InlineData("user@[127.0.0.1]", "550 5.7.1 ")]
    [InlineData("user@[IPv6:::1]", "550 5.7.1 ")]
    [InlineData("@OURS:user@example.com", "550 5.7.1 ")]
    [InlineData("@OURS,@example.org:user@example.com", "550 5.7.1 ")]
    [InlineData("@OURS,@OURS:bob%example.com@OURS", "550 5.1.1 ")]
    [InlineData("user@OURS.example.com", "550 5.7.1 ")]
    [InlineData("bob@sub.OURS", "550 5.7.1 ")]
    [InlineData("bob", "501 5.1.3 ")]
    public async Task RelayFormsAreRefused(string path, string reply)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();

        Assert.StartsWith(reply, await client.RcptAsync(path.Replace("OURS", tenant.Domain, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SourceRouteToAMailboxOfOursIsDropped()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");

        await SmtpClient.SendAsync(cluster, TestMail.New(), $"@example.org,@example.com:{tenant.Address("bob")}");

        var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob")));
        Assert.Contains($"Delivered-To: {tenant.Address("bob")}\r\n", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SubaddressLeadsToItsMailboxUnlessItHasARecordOfItsOwn()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        await tenant.PutAliasAsync("bob+news", "carol");

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("bob+lists+more"));
        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("bob+news"));

        var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob")));
        Assert.Contains($"Delivered-To: {tenant.Address("bob+lists+more")}\r\n", message, StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("carol"));
    }

    [Fact]
    public async Task ListsWithinListsLeadToEachMemberOnce()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol", "dave");
        await tenant.PutAliasAsync("board", "carol", "dave");
        await tenant.PutAliasAsync("staff", "bob", "carol", "board");
        await tenant.PutAliasAsync("all", "staff", "board", "dave");

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("all"));

        foreach (var member in new[] { "bob", "carol", "dave" })
        {
            var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address(member)));
            Assert.Contains($"Delivered-To: {tenant.Address("all")}\r\n", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ListAndItsMemberInOneTransactionAreOneCopy()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        await tenant.PutAliasAsync("staff", "bob", "carol");

        await SmtpClient.SendAsync(
            cluster, TestMail.New(), tenant.Address("bob"), tenant.Address("staff"), tenant.Address("bob+tag"), tenant.Address("bob"));

        Assert.Equal(1, await tenant.CountAsync("bob"));
        Assert.Equal(1, await tenant.CountAsync("carol"));
    }

    [Fact]
    public async Task ListThatLeadsToItselfAloneIsRefused()
    {
        // Each alias is right when it is made; the domain's catch-all closes the circle later.
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await tenant.PutAliasAsync("ring", "nobody");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("ring"));
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();

        Assert.StartsWith("550 5.4.6 ", await client.RcptAsync(tenant.Address("ring")), StringComparison.Ordinal);
        Assert.StartsWith("550 5.4.6 ", await client.RcptAsync(tenant.Address("nobody")), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(tenant.Address("bob")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CatchAllTakesUnknownUsersOfItsDomainOnly()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("bob"));

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("anybody"), tenant.Address("user%example.com"));
        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("carol"));

        var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob")));
        Assert.Contains($"Delivered-To: {tenant.Address("anybody")}\r\n", message, StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("carol"));
    }

    [Fact]
    public async Task PostmasterOfEachHostedDomainIsTaken()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        await tenant.PutDomainAsync($"other-{tenant.Domain}");

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("PostMaster"));
        await SmtpClient.SendAsync(cluster, TestMail.New(), $"postmaster@other-{tenant.Domain}");
        await tenant.PutDomainAsync(tenant.Domain, postmaster: tenant.Address("carol"));
        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("postmaster"));

        Assert.Equal(2, await tenant.CountAsync("bob"));
        Assert.Equal(1, await tenant.CountAsync("carol"));
    }

    [Fact]
    public async Task PostmasterWithoutADomainIsThatOfTheDomainThatOurNameLiesIn()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();
        Assert.StartsWith("451 ", await client.RcptAsync("Postmaster"), StringComparison.Ordinal);

        // The host's name is mx.hosting.test.
        await tenant.PutDomainAsync("hosting.test");
        await tenant.AddMailboxAsync("admin@hosting.test");

        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync("postmaster"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);
        Assert.Single(await Pop3Client.ReadAllAsync(cluster, "admin@hosting.test"));
    }

    [Fact]
    public async Task MailboxOverItsQuotaIsRefusedAtRcptForNow()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await tenant.AddMailboxAsync("bob", quotaBytes: 4_000);
        await tenant.PutAliasAsync("staff", "bob");
        await using var client = await SmtpClient.OpenAsync(cluster);

        await client.MailAsync(" SIZE=5000");
        Assert.StartsWith("452 4.2.2 ", await client.RcptAsync(tenant.Address("bob")), StringComparison.Ordinal);
        await client.AskAsync("RSET");

        // Nothing said at MAIL: the content tells.
        await client.BeginAsync(tenant.Address("bob"));
        Assert.StartsWith("452 4.2.2 ", await client.DataAsync(TestMail.OfSize(5_000)), StringComparison.Ordinal);
        await client.BeginAsync(tenant.Address("bob"));
        Assert.StartsWith("452 4.2.2 ", await client.DataAsync(TestMail.OfSize(40_000)), StringComparison.Ordinal);
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));

        string reply;
        do
        {
            await client.BeginAsync(tenant.Address("bob"));
            reply = await client.DataAsync(TestMail.OfSize(1_000));
        }
        while (reply.StartsWith("250 ", StringComparison.Ordinal));
        Assert.StartsWith("452 4.2.2 ", reply, StringComparison.Ordinal);

        await client.MailAsync(" SIZE=3000");
        Assert.StartsWith("452 4.2.2 ", await client.RcptAsync(tenant.Address("staff")), StringComparison.Ordinal);
    }
}
