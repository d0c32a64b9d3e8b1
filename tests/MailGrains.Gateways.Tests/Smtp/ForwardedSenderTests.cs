using MailGrains.Gateways.Tests.Wire;
using MailGrains.Messages.Srs;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>Reverse-paths of what aliases send to other servers, and the bounces that come back to them.</summary>
[Collection(SharedGateways.Name)]
public sealed class ForwardedSenderTests(GatewayCluster cluster)
{
    private SenderRewriting Srs => cluster.Services.GetRequiredService<SenderRewriting>();

    [Fact]
    public async Task AliasAtAnotherServerIsSentToInTheNameOfItsOwnDomainOnce()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await tenant.PutAliasAsync("away", "carol@example.com");
        var content = TestMail.New();
        for (var i = 0; i < 2; i++)
        {
            Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("away")), StringComparison.Ordinal);
        }

        var message = Assert.Single(cluster.Queues.Of(tenant)).Message;
        Assert.Equal(SmtpClient.Sender, message.ReversePath);
        var path = Assert.Single(message.Recipients).ReversePath!;
        Assert.Matches($"^SRS0=[A-Z2-7]{{8}}=[A-Z2-7]{{2}}=example\\.org=ann@{tenant.Domain}$", path);
        Assert.Equal(
            new SrsReversal(SrsStatus.Reversed, "ann", "example.org"), Srs.Reverse(path[..path.LastIndexOf('@')], tenant.Domain));
    }

    [Fact]
    public async Task NullReversePathAndSendersHostedHereStayAsTheyAre()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var other = await TestTenant.CreateAsync(cluster);
        await tenant.PutDomainAsync($"backup-{tenant.Domain}", backupMx: true);
        await tenant.PutAliasAsync("away", "carol@example.com");
        string[] senders = ["", tenant.Address("bob"), other.Address("x"), new string('x', 230) + "@example.org", $"x@backup-{tenant.Domain}"];
        foreach (var sender in senders)
        {
            await SendFromAsync(sender, tenant.Address("away"));
        }

        Assert.Equal([true, true, true, true, false], cluster.Queues.Of(tenant).Select(q => q.Message.Recipients.Single().ReversePath is null));
    }

    [Fact]
    public async Task MailThatAnotherForwarderHasRewrittenGoesBackToThatOne()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await tenant.PutAliasAsync("away", "carol@example.com");
        await SendFromAsync("SRS0=abcd=QQ=example.org=ann@first.example", tenant.Address("away"));
        var path = Assert.Single(cluster.Queues.Of(tenant)).Message.Recipients.Single().ReversePath!;
        Assert.StartsWith("SRS1=", path, StringComparison.Ordinal);

        await SendFromAsync("", path);

        var (queue, bounce) = cluster.Queues.Of(tenant)[1];
        Assert.Equal("first.example", queue.Domain);
        Assert.Equal("SRS0=abcd=QQ=example.org=ann@first.example", bounce.Recipients.Single().ForwardPath);
    }

    [Theory]
    [InlineData("ann", "example.org", "ann@example.org")]
    [InlineData("Two Words", "Example.ORG", "\"Two Words\"@example.org")]
    [InlineData("ann", "[192.0.2.7]", "ann@[192.0.2.7]")]
    [InlineData("a-long-localpart-of-a-mailing-list+and-its-subscriber=example.com", "lists.example", "a-long-localpart-of-a-mailing-list+and-its-subscriber=example.com@lists.example")]
    public async Task BounceGoesToTheOriginalSenderInTheNameOfTheDomainsTenant(string localpart, string domain, string forwardPath)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var address = RewrittenFor(tenant, localpart, domain);

        await SendFromAsync("", address);
        await SendFromAsync("", address.ToLowerInvariant());

        var (_, message) = cluster.Queues.Of(tenant)[0];
        var recipient = Assert.Single(message.Recipients);
        Assert.Equal(("", forwardPath, null, null), (message.ReversePath, recipient.ForwardPath, recipient.ReversePath, recipient.Mailbox));
        Assert.Equal(forwardPath.ToLowerInvariant(), cluster.Queues.Of(tenant)[1].Message.Recipients.Single().ForwardPath);
    }

    [Fact]
    public async Task BounceToASenderWhoseDomainHasComeHereIsDelivered()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await using var sender = await TestTenant.CreateAsync(cluster, "bob");
        await SendFromAsync("", RewrittenFor(tenant, "bob", sender.Domain));
        Assert.Equal(1, await sender.CountAsync("bob"));

        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.AskAsync("MAIL FROM:<>");
        Assert.StartsWith("550 5.1.1 ", await client.RcptAsync(RewrittenFor(tenant, "nobody", sender.Domain)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BounceToASenderOfABackupMxDomainWaitsInItsQueue()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await using var other = await TestTenant.CreateAsync(cluster);
        var domain = $"backup-{other.Domain}";
        await other.PutDomainAsync(domain, backupMx: true);

        await SendFromAsync("", RewrittenFor(tenant, "ann", domain));

        Assert.Equal([$"ann@{domain}"], Assert.Single(cluster.Queues.Of(other)).Message.Recipients.Select(r => r.ForwardPath));
    }

    [Fact]
    public async Task NobodyButABounceReachesOtherServersByARewrittenAddress()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var other = await TestTenant.CreateAsync(cluster);
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("bob"));
        var good = RewrittenFor(tenant, "ann", "example.org");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.AskAsync("MAIL FROM:<x@example.com>");
        Assert.StartsWith("550 5.1.1 ", await client.RcptAsync(good), StringComparison.Ordinal);
        await client.AskAsync("RSET");
        await client.AskAsync("MAIL FROM:<>");
        string[] forged =
        [
            good.Replace("=ann@", "=eve@", StringComparison.Ordinal), good.Replace(tenant.Domain, other.Domain, StringComparison.Ordinal),
            $"SRS0=AAAAAAAA=AA=example.org=ann@{tenant.Domain}", $"SRS1=AAAAAAAA=example.org==x@{tenant.Domain}", $"srs0+x@{tenant.Domain}", $"SRS0=x@{tenant.Domain}",
        ];
        foreach (var address in forged)
        {
            Assert.StartsWith("550 5.1.1 ", await client.RcptAsync(address), StringComparison.Ordinal);
        }

        Assert.StartsWith("550 5.7.1 ", await client.RcptAsync("SRS0=AAAAAAAA=AA=example.org=ann@example.com"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(good), StringComparison.Ordinal);
    }

    private string RewrittenFor(TestTenant tenant, string localpart, string domain) =>
        new Protocols.Smtp.Mailbox(Srs.Rewrite(localpart, domain, tenant.Domain)!, tenant.Domain).ToString();

    private async Task SendFromAsync(string sender, string recipient)
    {
        await using var client = await SmtpClient.OpenAsync(cluster);
        Assert.StartsWith("250 2.1.0 ", await client.AskAsync($"MAIL FROM:<{sender}>"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(recipient), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);
    }
}
