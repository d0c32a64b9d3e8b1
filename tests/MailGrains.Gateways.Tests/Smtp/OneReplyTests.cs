using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Gateways.Tests.Wire;
using MailGrains.Grains.Queues;
using MailGrains.Storage.Bodies;
using MailGrains.Testing.Faults;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>One reply for several targets: 250 where every copy is kept somewhere, and a queue takes what a mailbox did not.</summary>
[Collection(SharedGateways.Name)]
public sealed class OneReplyTests(GatewayCluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task MailboxThatCantCommitLeavesItsCopyToTheQueueOfItsDomain(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        tenant.LeavesWorkForTheSweeper = true;
        var bob = await tenant.AddMailboxAsync("bob");
        var content = TestMail.OfSize(bytes);
        using (FailMailboxes(tenant, CommitFault.Unavailable))
        {
            Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("bob+tag")), StringComparison.Ordinal);
        }

        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        var recipient = Assert.Single(message.Recipients);
        Assert.Equal(tenant.Domain, queue.Domain);
        Assert.Equal(
            (tenant.Address("bob+tag"), bob, "tag", false), (recipient.ForwardPath, recipient.Mailbox!.Value, recipient.Detail, recipient.IsJunk));
        Assert.Equal((SmtpClient.Sender, content.Length), (message.ReversePath, (int)message.Body.Length));
        if (message.Body.Blob is { } blob)
        {
            Assert.True(blob.Shared);
            Assert.Contains(BodyHolder.Of(queue).Key, await cluster.HoldersAsync(blob.Name));
        }

        // The client's repeat finds the mailbox well again, and the queue's copy will be its repeat.
        Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("bob+tag")), StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("bob"));
    }

    [Theory]
    [InlineData(EnqueueStatus.Unavailable)]
    [InlineData(EnqueueStatus.Full)]
    public async Task MailboxAndQueueThatBothFailAre451(EnqueueStatus status)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        tenant.LeavesWorkForTheSweeper = true;
        cluster.Queues.Fail(tenant, status);
        foreach (var bytes in new[] { 100, 40_000 })
        {
            using (FailMailboxes(tenant, CommitFault.Unavailable))
            {
                Assert.StartsWith(
                    "451 4.3.0 ", await SmtpClient.SendAsync(cluster, TestMail.OfSize(bytes), tenant.Address("bob"), tenant.Address("carol")),
                    StringComparison.Ordinal);
            }
        }

        Assert.Empty(cluster.Queues.Of(tenant));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task OneTenantsFailureIsMadeGoodByItsOwnQueue(int bytes)
    {
        await using var ours = await TestTenant.CreateAsync(cluster, "bob");
        await using var theirs = await TestTenant.CreateAsync(cluster, "bob", "carol");
        theirs.LeavesWorkForTheSweeper = true;
        using (FailMailboxes(theirs, CommitFault.Unavailable))
        {
            var reply = await SmtpClient.SendAsync(
                cluster, TestMail.OfSize(bytes), ours.Address("bob"), theirs.Address("bob"), theirs.Address("carol"));
            Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        }

        Assert.Equal((1, 0), (await ours.CountAsync("bob"), await theirs.CountAsync("bob")));
        Assert.Empty(cluster.Queues.Of(ours));
        Assert.Equal(
            [theirs.Address("bob"), theirs.Address("carol")], Assert.Single(cluster.Queues.Of(theirs)).Message.Recipients.Select(r => r.ForwardPath));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task MailboxThatIsGoneOrFullIsLeftToTheQueueWhereAnotherHasCommitted(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        tenant.LeavesWorkForTheSweeper = true;
        var full = await tenant.AddMailboxAsync("full", quotaBytes: bytes);
        var gone = await tenant.AddMailboxAsync("gone");
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(tenant.Address("bob"), tenant.Address("full"), tenant.Address("gone"));

        var reply = await client.DataAsync(TestMail.OfSize(bytes), () => tenant.DeleteMailboxAsync("gone"));

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("bob"));
        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        Assert.Equal([full, gone], message.Recipients.Select(r => r.Mailbox!.Value));
        if (message.Body.Blob is { } blob)
        {
            Assert.Equal(
                new[] { BodyHolder.Of(await tenant.MailboxAsync("bob")).Key, BodyHolder.Of(full).Key, BodyHolder.Of(queue).Key }.Order(StringComparer.Ordinal),
                await cluster.HoldersAsync(blob.Name));
        }
    }

    [Fact]
    public async Task QueueThatDeliversBeforeTheGatewayHasClearedUpLeavesTheMailboxItsBody()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await using var other = await TestTenant.CreateAsync(cluster, "carol");
        var full = await tenant.AddMailboxAsync("full", quotaBytes: 100);
        var content = TestMail.OfSize(40_000);
        var bodies = new BodyBlobs(cluster.Accounts, TimeProvider.System);
        cluster.Queues.WhenKept = async (queue, message) =>
        {
            // The mailbox has room again, and the queue is through with the message.
            await tenant.SetQuotaAsync("full", 0);
            var report = await new LocalRetry(cluster.Grains, bodies).DeliverAsync(queue, new RelayMessage(message, 1, [0], IsUncertain: false), Cancel);
            Assert.Equal(OutcomeKind.Delivered, Assert.Single(report.Outcomes).Kind);
            await bodies.RemoveHolderAsync(message.Body.Blob!, BodyHolder.Of(queue), Cancel);
        };
        try
        {
            Assert.StartsWith(
                "250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("full"), other.Address("carol")), StringComparison.Ordinal);
        }
        finally
        {
            cluster.Queues.WhenKept = null;
        }

        Assert.Equal(full, Assert.Single(cluster.Queues.Of(tenant)).Message.Recipients[0].Mailbox);
        Assert.EndsWith(content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("full"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MailboxWithoutRoomGoesOnHoldingWhatItsQueueHas()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        tenant.LeavesWorkForTheSweeper = true;
        var full = await tenant.AddMailboxAsync("full", quotaBytes: 100);
        await SmtpClient.SendAsync(cluster, TestMail.OfSize(40_000), tenant.Address("bob"), tenant.Address("full"));
        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        var holders = await cluster.HoldersAsync(message.Body.Blob!.Name);

        // An attempt that ends late must take nothing from the next one, which may have found room.
        var report = await new LocalRetry(cluster.Grains, new BodyBlobs(cluster.Accounts, TimeProvider.System)).DeliverAsync(
            queue, new RelayMessage(message, 1, [0], IsUncertain: false), Cancel);

        Assert.Equal((OutcomeKind.Deferred, "4.2.2"), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced));
        Assert.Contains(BodyHolder.Of(full).Key, holders);
        Assert.Equal(holders, await cluster.HoldersAsync(message.Body.Blob!.Name));
    }

    [Fact]
    public async Task FullMailboxAloneIsTheClientsToHear()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await tenant.AddMailboxAsync("full", quotaBytes: 100);

        Assert.StartsWith("452 4.2.2 ", await SmtpClient.SendAsync(cluster, TestMail.OfSize(1_000), tenant.Address("full")), StringComparison.Ordinal);
        Assert.Empty(cluster.Queues.Of(tenant));
    }

    [Fact]
    public async Task FullMailboxBesideARemoteRecipientIsLeftToTheQueue()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        await tenant.AddMailboxAsync("full", quotaBytes: 100);
        await tenant.PutAliasAsync("away", "carol@example.com");

        var reply = await SmtpClient.SendAsync(cluster, TestMail.OfSize(1_000), tenant.Address("full"), tenant.Address("away"));

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        Assert.Equal(
            ["example.com", tenant.Domain], cluster.Queues.Of(tenant).Select(q => q.Queue.Domain).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(EnqueueStatus.Unavailable, 100, "451 4.3.0 ")]
    [InlineData(EnqueueStatus.Unavailable, 40_000, "451 4.3.0 ")]
    [InlineData(EnqueueStatus.Full, 100, "452 4.3.1 ")]
    [InlineData(EnqueueStatus.Full, 40_000, "452 4.3.1 ")]
    public async Task QueueThatFailsIsTheReplyThoughAnotherHasCommittedAndTheRepeatIsHarmless(EnqueueStatus status, int bytes, string reply)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        tenant.LeavesWorkForTheSweeper = true;
        await tenant.PutAliasAsync("away", "carol@example.com", "dave@other.example");
        cluster.Queues.Fail(tenant, status, "example.com");
        string[] recipients = [tenant.Address("bob"), tenant.Address("away")];
        var content = TestMail.OfSize(bytes);

        Assert.StartsWith(reply, await SmtpClient.SendAsync(cluster, content, recipients), StringComparison.Ordinal);
        cluster.Queues.Heal(tenant);
        Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, recipients), StringComparison.Ordinal);

        Assert.Equal(1, await tenant.CountAsync("bob"));
        Assert.Equal(["other.example", "example.com"], cluster.Queues.Of(tenant).Select(q => q.Queue.Domain));
        Assert.EndsWith(content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
    }

    private Healing FailMailboxes(TestTenant tenant, CommitFault fault)
    {
        cluster.Tables.WhenCommitting = (partition, _) => partition.StartsWith($"mailbox:{tenant.Name}:", StringComparison.Ordinal) ? fault : null;
        return new Healing(cluster.Tables);
    }

    private sealed class Healing(FaultingTableStore tables) : IDisposable
    {
        public void Dispose() => tables.Heal();
    }
}
