using System.Net;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Tests.Wire;
using MailGrains.Messages.Summaries;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>What a client asks for beside delivery: queues are told all of it, mailboxes need none of it.</summary>
[Collection(SharedGateways.Name)]
public sealed class CarriedRequestTests(GatewayCluster cluster)
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public async Task ListenersOfferWhatTheirQueuesDo()
    {
        await using var exchange = await SmtpClient.OpenAsync(cluster);
        var offered = (await exchange.AskAsync("EHLO client.example.org")).Split('\n').Select(l => l[4..]).ToList();
        Assert.Equal(["DSN", "DELIVERBY", "MT-PRIORITY", "ETRN"], offered.Intersect(["DSN", "DELIVERBY", "MT-PRIORITY", "ETRN", "REQUIRETLS"]));
        Assert.DoesNotContain(offered, line => line.StartsWith("FUTURERELEASE", StringComparison.Ordinal));

        await using var submission = await SmtpClient.OpenAsync(cluster, listener: SmtpListener.Submission);
        offered = [.. (await submission.AskAsync("EHLO client.example.org")).Split('\n').Select(l => l[4..])];
        Assert.Equal(["DSN", "DELIVERBY", "MT-PRIORITY"], offered.Intersect(["DSN", "DELIVERBY", "MT-PRIORITY", "ETRN", "REQUIRETLS"]));
        Assert.Contains(offered, line => line.StartsWith("FUTURERELEASE 2592000 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WhatTheSenderWantsToHearGoesAlong()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await tenant.PutAliasAsync("away", "carol@example.com");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync(" RET=HDRS ENVID=QQ+2B314 BY=3600;RT MT-PRIORITY=-3");
        Assert.StartsWith(
            "250 2.1.5 ", await client.AskAsync($"RCPT TO:<{tenant.Address("away")}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;Dave+40example.net"),
            StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.AskAsync($"RCPT TO:<{tenant.Address("bob")}> NOTIFY=NEVER"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);

        var message = Assert.Single(cluster.Queues.Of(tenant)).Message;
        Assert.Equal((ReturnContent.Headers, "QQ+314", -3), (message.Return, message.EnvelopeId, message.Priority));
        Assert.True(message.DeliverBy is { Returns: true, Trace: true } by && by.At > message.ReceivedAt);
        var recipient = Assert.Single(message.Recipients);
        Assert.Equal((NotifyOn.Failure | NotifyOn.Delay, "rfc822;Dave@example.net"), (recipient.Notify, recipient.OriginalRecipient));
        Assert.Equal(1, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task AliasNamesItselfToTheSenderWhoGaveNoOtherAddress()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await tenant.PutAliasAsync("away", "carol@example.com");

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("Away"));

        Assert.Equal(
            $"rfc822;{tenant.Address("Away")}", Assert.Single(Assert.Single(cluster.Queues.Of(tenant)).Message.Recipients).OriginalRecipient);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task QueueDeliversToAMailboxWhoseSenderWantsToHearOfSuccess(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "carol");
        tenant.LeavesWorkForTheSweeper = true;
        var bob = await tenant.AddMailboxAsync("bob");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();
        await client.RcptAsync(tenant.Address("bob"));
        Assert.StartsWith("250 2.1.5 ", await client.AskAsync($"RCPT TO:<{tenant.Address("bob+x")}> NOTIFY=SUCCESS,FAILURE"), StringComparison.Ordinal);
        await client.RcptAsync(tenant.Address("carol"));
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.OfSize(bytes)), StringComparison.Ordinal);

        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        var recipient = Assert.Single(message.Recipients);
        Assert.Equal(
            (tenant.Domain, tenant.Address("bob+x"), bob, "x", NotifyOn.Success | NotifyOn.Failure),
            (queue.Domain, recipient.ForwardPath, recipient.Mailbox!.Value, recipient.Detail, recipient.Notify));
        Assert.Single(recipient.OtherIds);
        Assert.Equal((0, 1), (await tenant.CountAsync("bob"), await tenant.CountAsync("carol")));
        if (message.Body.Blob is { } blob)
        {
            Assert.Equal(2, (await cluster.HoldersAsync(blob.Name)).Count);
        }
    }

    [Theory]
    [InlineData("SUCCESS", NotifyOn.Never)]
    [InlineData("SUCCESS,DELAY", NotifyOn.Delay)]
    public async Task ListTellsNothingOfItsMembersSuccess(string notify, NotifyOn carried)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await tenant.PutAliasAsync("staff", "bob", "carol@example.com");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();
        await client.AskAsync($"RCPT TO:<{tenant.Address("staff")}> NOTIFY={notify}");
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);

        var recipient = Assert.Single(Assert.Single(cluster.Queues.Of(tenant)).Message.Recipients);
        Assert.Equal((carried, tenant.Address("staff")), (recipient.Notify, recipient.ExpandedFrom));
        Assert.Equal(1, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task ListOfMailboxesHereTellsOnceThatItGotTheMessage()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "eve", "joe");
        await tenant.PutAliasAsync("staff", "bob", "eve");
        await tenant.PutAliasAsync("all", "bob", "eve", "joe");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.MailAsync();
        await client.AskAsync($"RCPT TO:<{tenant.Address("staff")}> NOTIFY=SUCCESS");
        await client.AskAsync($"RCPT TO:<{tenant.Address("all")}> NOTIFY=FAILURE");
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);

        var recipients = Assert.Single(cluster.Queues.Of(tenant)).Message.Recipients;
        Assert.Equal(2, recipients.Length);
        Assert.Equal([tenant.Address("staff")], recipients.Select(r => r.ExpandedFrom).OfType<string>());
        Assert.Equal((0, 0, 1), (await tenant.CountAsync("bob"), await tenant.CountAsync("eve"), await tenant.CountAsync("joe")));
    }

    [Fact]
    public async Task MessageForLaterWaitsInQueuesForMailboxesHereToo()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        await tenant.PutAliasAsync("both", "alice", "bob");
        await using var client = await SmtpClient.LogInAsync(cluster, tenant, "alice");
        await client.AskAsync($"MAIL FROM:<{tenant.Address("alice")}> HOLDFOR=3600");
        foreach (var recipient in new[] { tenant.Address("both"), tenant.Address("bob"), "carol@example.com" })
        {
            Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(recipient), StringComparison.Ordinal);
        }

        Assert.StartsWith("250 2.0.0 ", await client.DataAsync($"From: {tenant.Address("alice")}\r\n\r\nhi\r\n"), StringComparison.Ordinal);

        Assert.Equal((0, 0), (await tenant.CountAsync("alice"), await tenant.CountAsync("bob")));
        var queued = cluster.Queues.Of(tenant).ToDictionary(q => q.Queue.Domain, q => q.Message);
        Assert.Equal(2, queued.Count);
        Assert.All(queued.Values, message => Assert.True(message.NotBefore > message.ReceivedAt + TimeSpan.FromMinutes(59)));
        Assert.All(queued[tenant.Domain].Recipients, r => Assert.NotNull(r.Mailbox));
        Assert.Equal(3, queued[tenant.Domain].Recipients.Length);
    }

    [Theory]
    [InlineData("No", false, MessageNeeds.TlsOptional)]
    [InlineData(" nO ", false, MessageNeeds.TlsOptional)]
    [InlineData("Yes", false, MessageNeeds.None)]
    [InlineData("No", true, MessageNeeds.RequireTls)]
    public void TlsMayBeAskedForOrWaived(string field, bool requireTls, MessageNeeds needs) => Assert.Equal(
        needs, Message(new MailParameters { RequireTls = requireTls }, $"From: a@example.org\r\nTLS-Required:{field}\r\n\r\nhi\r\n").For([], Empty).Needs);

    [Fact]
    public void AddressThatItsSenderCouldNotHaveWrittenNeedsSmtpUtf8()
    {
        var message = Message(default, "From: a@example.org\r\n\r\nhi\r\n");
        Assert.Equal(MessageNeeds.SmtpUtf8, message.For([new QueuedRecipient("grüße@example.com", default)], Empty).Needs);
        Assert.Equal(MessageNeeds.None, message.For([new QueuedRecipient("gruss@example.com", default)], Empty).Needs);
    }

    [Fact]
    public void JunksSenderHearsOfNoSuccess()
    {
        var message = Message(default, "From: a@example.org\r\n\r\nhi\r\n") with { IsJunk = true };
        var recipient = new AcceptedRecipient("bob@example.com", [], null) { Parameters = new RcptParameters { Notify = DsnNotify.Success } };
        var target = new QueuedTarget(new QueueId("t", 0, "example.com", 0), "bob@example.com", false);
        Assert.Equal(NotifyOn.Never, message.For(new QueuedCopy(recipient, target, [])).Notify);
        Assert.Equal(NotifyOn.Success, (message with { IsJunk = false }).For(new QueuedCopy(recipient, target, [])).Notify);
    }

    [Fact]
    public async Task EtrnStartsABackupMxDomainOnceAMinuteAndNothingElse()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var (full, empty) = ($"full.{tenant.Domain}", $"empty.{tenant.Domain}");
        await tenant.PutDomainAsync(full, backupMx: true);
        await tenant.PutDomainAsync(empty, backupMx: true);
        await SmtpClient.SendAsync(cluster, TestMail.New(), $"bob@{full}");
        await using var client = await SmtpClient.OpenAsync(cluster);

        Assert.StartsWith("252 ", await client.AskAsync($"ETRN {full.ToUpperInvariant()}"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync($"ETRN @{full}"), StringComparison.Ordinal);
        Assert.StartsWith("251 ", await client.AskAsync($"ETRN {empty}"), StringComparison.Ordinal);
        foreach (var node in new[] { tenant.Domain, "elsewhere.example", $"#{full}" })
        {
            Assert.StartsWith("458 ", await client.AskAsync($"ETRN {node}"), StringComparison.Ordinal);
        }

        Assert.Equal(1, cluster.Queues.WakesOf(new QueueId(tenant.Name, 0, full, 0)));
        Assert.Equal(0, cluster.Queues.WakesOf(new QueueId(tenant.Name, 0, tenant.Domain, 0)));
    }

    private static Contracts.Delivery.MessageBody Empty { get; } = new(0, [], null);

    private static JudgedMessage Message(MailParameters parameters, string content)
    {
        var bytes = Encoding.ASCII.GetBytes(content);
        return new JudgedMessage(
            new Transaction(ReversePath.Null, parameters), new MessageOrigin(IPAddress.Loopback, new SmtpHello("client.example.org", true), EmailId.New(Now), Now),
            IncomingContent.OfInline(bytes, new byte[32], new SummaryReader().Read(bytes)), [], false);
    }
}
