using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Bodies;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Mailboxes;

[Collection(SharedCluster.Name)]
public sealed class DeliveryTests(MailboxCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AMailboxIsMadeOnceWithItsSpecialUseFolders()
    {
        await using var mailbox = await cluster.CreateAsync(quotaBytes: 5000);
        Assert.True(await mailbox.Grain.CreateAsync(7000, None));

        var overview = (await mailbox.Grain.GetOverviewAsync(None))!;

        Assert.Equal(7000, overview.QuotaBytes);
        Assert.Equal(["INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive"], overview.Folders.Select(f => f.Name));
        Assert.Equal(["\\Inbox", "\\Sent", "\\Drafts", "\\Junk", "\\Trash", "\\Archive"], overview.Folders.Select(f => f.SpecialUse));
        Assert.Distinct(overview.Folders.Select(f => f.UidValidity));
        Assert.All(overview.Folders, f => Assert.Equal((1u, 0, 0), (f.UidNext, f.Messages, f.Unseen)));
    }

    [Fact]
    public async Task ADeliveryIsListedCountedAndReadable()
    {
        await using var mailbox = await cluster.CreateAsync();
        var delivery = mailbox.Delivery("Subject: one\r\n\r\nbody\r\n") with { Keywords = ["\\Flagged", "$Urgent"] };

        Assert.Equal(new DeliveryResult(DeliveryStatus.Delivered, delivery.Email, null), await mailbox.Grain.DeliverAsync(delivery, None));
        await cluster.ReactivateAsync(mailbox.Id);

        var inbox = await mailbox.InboxAsync();
        Assert.Equal((2u, 1, 1), (inbox.UidNext, inbox.Messages, inbox.Unseen));
        var entry = Assert.Single(await mailbox.ListAsync());
        Assert.Equal((1u, delivery.Email, 42ul, inbox.HighestModSeq), (entry.Uid, entry.Email, entry.ThreadId, entry.ModSeq));
        Assert.Equal(delivery.Prefix.Length + delivery.Body.Length, entry.Bytes);
        Assert.Equal(["\\Flagged", "$Urgent"], entry.Keywords);
        Assert.Equal([new MessageContent(entry.Email, entry.Bytes)], await mailbox.Grain.GetContentAsync([entry.Email, EmailId.New(DateTimeOffset.UtcNow)], None));
        await using var content = (await cluster.Stores.Messages.OpenAsync(mailbox.Id, entry.Email, entry.Bytes, None))!;
        using var reader = new StreamReader(content);
        Assert.Equal("Return-Path: <ann@example.org>\r\nSubject: one\r\n\r\nbody\r\n", await reader.ReadToEndAsync(None));
    }

    [Fact]
    public async Task ASmallMessageCostsOneTableTransaction()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.DeliverAsync();
        using var count = cluster.Count(mailbox.Id);

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(DeliveryStatus.Delivered, (await mailbox.DeliverAsync()).Status);
        }

        Assert.Equal(20, count.Transactions);
    }

    [Fact]
    public async Task ARepeatedHandOverIsKeptOnceAndNamesTheKeptMessage()
    {
        await using var mailbox = await cluster.CreateAsync();
        var id = TestMail.NewId();
        var first = await mailbox.DeliverAsync(deliveryId: id);
        await cluster.ReactivateAsync(mailbox.Id);
        var second = await mailbox.DeliverAsync(deliveryId: id);

        Assert.Equal(new DeliveryResult(DeliveryStatus.Repeated, first.Email, null), second);
        Assert.Equal(1, (await mailbox.InboxAsync()).Messages);
    }

    [Fact]
    public async Task ARepeatOfALargeMessageNamesTheBlobThatWasKeptAndTouchesNone()
    {
        await using var mailbox = await cluster.CreateAsync();
        var holder = BodyHolder.Of(mailbox.Id);
        var id = TestMail.NewId();
        var (first, second) = (await LargeAsync(mailbox, id), await LargeAsync(mailbox, id));

        await mailbox.Grain.DeliverAsync(first, None);
        var repeat = await mailbox.Grain.DeliverAsync(second, None);

        Assert.Equal(new DeliveryResult(DeliveryStatus.Repeated, first.Email, first.Body.Blob), repeat);
        await cluster.Bodies.RemoveHolderAsync(second.Body.Blob!, holder, None);
        Assert.NotNull(await cluster.Blobs.ReadAsync(first.Body.Blob!.Name, 0, 1, None));
        Assert.Null(await cluster.Blobs.ReadAsync(second.Body.Blob!.Name, 0, 1, None));
    }

    [Fact]
    public async Task RepeatsThatWaitTogetherAreKeptOnce()
    {
        await using var mailbox = await cluster.CreateAsync();
        var id = TestMail.NewId();
        Task<DeliveryResult[]> batch;
        using (cluster.Tables.HoldCommits())
        {
            var front = mailbox.DeliverAsync();
            await cluster.UntilHeldAsync();
            batch = Task.WhenAll(mailbox.DeliverAsync(deliveryId: id), mailbox.DeliverAsync(deliveryId: id), mailbox.DeliverAsync(deliveryId: id));
            await mailbox.Grain.GetOverviewAsync(None);
            Assert.False(front.IsCompleted);
        }

        var results = await batch;

        Assert.Single(results, r => r.Status == DeliveryStatus.Delivered);
        Assert.Single(results.Select(r => r.Email).Distinct());
        Assert.Equal(2, (await mailbox.InboxAsync()).Messages);
    }

    [Fact]
    public async Task EqualMessagesWithoutAMessageIdAreTwoAndTheGatewaysOwnRepeatIsOne()
    {
        await using var mailbox = await cluster.CreateAsync();
        var one = mailbox.Delivery(deliveryId: DeliveryId.None);
        var other = mailbox.Delivery(deliveryId: DeliveryId.None);

        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.Grain.DeliverAsync(one, None)).Status);
        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.Grain.DeliverAsync(other, None)).Status);
        Assert.Equal(new DeliveryResult(DeliveryStatus.Repeated, one.Email, null), await mailbox.Grain.DeliverAsync(one, None));
    }

    [Fact]
    public async Task CallsThatWaitShareTransactionsAndGetUidsInOrder()
    {
        await using var mailbox = await cluster.CreateAsync();
        using var count = cluster.Count(mailbox.Id);

        var uids = await mailbox.FillAsync(200);

        Assert.Equal(Enumerable.Range(1, 200).Select(i => (uint)i), uids);
        Assert.InRange(count.Transactions, 1, 100);
    }

    [Fact]
    public async Task AMessageOverTheQuotaIsTemporaryAndLeavesNothing()
    {
        await using var mailbox = await cluster.CreateAsync(quotaBytes: 300);
        var bytes = TestMail.Prefix.Length + 200;
        Assert.Equal(DeliveryStatus.Delivered, await mailbox.Grain.CheckDeliveryAsync(bytes, None));
        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.DeliverAsync(new string('x', 200))).Status);
        var refused = mailbox.Delivery(new string('x', 200));

        Assert.Equal(DeliveryResult.Of(DeliveryStatus.OverQuota), await mailbox.Grain.DeliverAsync(refused, None));
        Assert.Equal(DeliveryStatus.OverQuota, await mailbox.Grain.CheckDeliveryAsync(bytes, None));
        Assert.False(await cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(refused.Email)));

        await mailbox.Grain.ExpungeAsync(1, [1], None);
        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.Grain.DeliverAsync(refused, None)).Status);
    }

    [Fact]
    public async Task QuotaIsCheckedInOrderWithinOneBatch()
    {
        await using var mailbox = await cluster.CreateAsync(quotaBytes: 10 * (100 + TestMail.Prefix.Length));

        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => mailbox.DeliverAsync(new string('x', 100))));

        Assert.Equal(10, results.Count(r => r.Status == DeliveryStatus.Delivered));
        Assert.Equal(20, results.Count(r => r.Status == DeliveryStatus.OverQuota));
    }

    [Fact]
    public async Task WhatWasNeverMadeOrWasDeletedTakesNoMail()
    {
        var never = new TestMailbox(cluster, MailboxId.New("tenant", 0));
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.NoMailbox), await never.DeliverAsync());
        Assert.Equal(DeliveryStatus.NoMailbox, await never.Grain.CheckDeliveryAsync(1, None));
        Assert.Null(await never.Grain.GetOverviewAsync(None));

        // It is made behind the activation that has just said so.
        Assert.True(await never.Grain.CreateAsync(0, None));
        Assert.Equal(DeliveryStatus.Delivered, (await never.DeliverAsync()).Status);

        await never.Grain.DeleteAsync(None);
        await never.Grain.DeleteAsync(None);
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.NoMailbox), await never.DeliverAsync());
        await cluster.ReactivateAsync(never.Id);
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.NoMailbox), await never.DeliverAsync());
        Assert.Null(await never.Grain.GetOverviewAsync(None));
        Assert.Null(await never.Grain.ListMessagesAsync(1, 0, 10, None));
        Assert.False(await never.Grain.CreateAsync(0, None));
        await never.DisposeAsync();
    }

    [Fact]
    public async Task AMailboxMadeAgainNeverGetsMailForTheOldId()
    {
        var old = await cluster.CreateAsync();
        await using var again = await cluster.CreateAsync();
        await old.Grain.DeleteAsync(None);

        Assert.Equal(DeliveryStatus.NoMailbox, (await old.DeliverAsync()).Status);
        Assert.Empty(await again.ListAsync());
        Assert.Equal(DeliveryStatus.Delivered, (await again.DeliverAsync()).Status);
    }

    [Fact]
    public async Task MailThatWaitsWhileTheMailboxIsDeletedIsKeptOrRefusedAndLaterMailIsRefused()
    {
        var mailbox = await cluster.CreateAsync();
        Task<DeliveryResult> before, after;
        ValueTask delete;
        using (cluster.Tables.HoldCommits())
        {
            before = mailbox.DeliverAsync();
            await cluster.UntilHeldAsync();
            delete = mailbox.Grain.DeleteAsync(None);
            await cluster.UntilHeldAsync(2);
            after = mailbox.DeliverAsync();
        }

        Assert.Equal(DeliveryStatus.Delivered, (await before).Status);
        await delete;
        Assert.Contains((await after).Status, (DeliveryStatus[])[DeliveryStatus.Delivered, DeliveryStatus.NoMailbox]);
        Assert.Equal(DeliveryStatus.NoMailbox, (await mailbox.DeliverAsync()).Status);
    }

    [Theory]
    [InlineData(CommitFault.Full, DeliveryStatus.StoreFull)]
    [InlineData(CommitFault.Unavailable, DeliveryStatus.Unavailable)]
    public async Task AStoreThatFailsIsTemporaryAndTheMailboxGoesOn(CommitFault fault, DeliveryStatus expected)
    {
        await using var mailbox = await cluster.CreateAsync();
        using (cluster.Fault(mailbox.Id, _ => fault))
        {
            Assert.Equal(DeliveryResult.Of(expected), await mailbox.DeliverAsync());
        }

        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.DeliverAsync()).Status);
        Assert.Equal(1, (await mailbox.InboxAsync()).Messages);
    }

    [Fact]
    public async Task ALostReplyOfTheStoreIsRecognisedAndKeptOnce()
    {
        await using var mailbox = await cluster.CreateAsync();
        var faults = 1;
        using (cluster.Fault(mailbox.Id, _ => Interlocked.Decrement(ref faults) == 0 ? CommitFault.LostAfter : null))
        {
            Assert.Equal(DeliveryStatus.Delivered, (await cluster.PassTimeAsync(mailbox.DeliverAsync())).Status);
        }

        Assert.Equal(1, (await mailbox.InboxAsync()).Messages);
    }

    [Fact]
    public async Task AnOutcomeThatStaysUnknownIsTemporaryAndTheRepeatIsKeptOnce()
    {
        await using var mailbox = await cluster.CreateAsync();
        var id = TestMail.NewId();
        var faults = 0;
        using (cluster.Fault(mailbox.Id, _ => faults++ == 0 ? CommitFault.LostAfter : CommitFault.LostBefore))
        {
            Assert.Equal(DeliveryResult.Of(DeliveryStatus.Unavailable), await cluster.PassTimeAsync(mailbox.DeliverAsync(deliveryId: id)));
        }

        Assert.Equal(DeliveryStatus.Repeated, (await mailbox.DeliverAsync(deliveryId: id)).Status);
        Assert.Equal(1, (await mailbox.InboxAsync()).Messages);
    }

    [Fact]
    public async Task AFencedActivationAnswersTemporarilyAndTheNextOneSeesTheOthersMail()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.DeliverAsync();
        var delivery = mailbox.Delivery();

        await cluster.CommitAsAnotherWriterAsync(mailbox.Id, mailbox.Delivery());
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.Unavailable), await mailbox.Grain.DeliverAsync(delivery, None));
        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.Grain.DeliverAsync(delivery, None)).Status);

        Assert.Equal([1u, 2u, 3u], (await mailbox.ListAsync()).Select(m => m.Uid));
    }

    [Fact]
    public async Task AMailboxThatCantBeReadIsTemporaryAndNeverNoMailbox()
    {
        await using var mailbox = await cluster.CreateAsync();
        await cluster.ReactivateAsync(mailbox.Id);
        using (cluster.Unreadable())
        {
            Assert.Equal(DeliveryResult.Of(DeliveryStatus.Unavailable), await mailbox.DeliverAsync());
            Assert.Equal(DeliveryStatus.Unavailable, await mailbox.Grain.CheckDeliveryAsync(1, None));
            await Assert.ThrowsAsync<MailGrains.Contracts.StoreUnavailableException>(async () => await mailbox.Grain.GetOverviewAsync(None));
        }

        Assert.Equal(DeliveryStatus.Delivered, (await mailbox.DeliverAsync()).Status);
    }

    [Fact]
    public async Task DeliveriesAreCountedByHowTheyEnded()
    {
        await using var mailbox = await cluster.CreateAsync(quotaBytes: 1);
        var before = cluster.Meters.Sum("mailgrains.deliveries", "status=OverQuota");
        await mailbox.DeliverAsync();
        Assert.InRange(cluster.Meters.Sum("mailgrains.deliveries", "status=OverQuota"), before + 1, long.MaxValue);
    }

    private async Task<MailboxDelivery> LargeAsync(TestMailbox mailbox, DeliveryId id)
    {
        var email = EmailId.New(cluster.Time.GetUtcNow());
        var body = await cluster.Bodies.WriteAsync("tenant", email, [BodyHolder.Of(mailbox.Id)], new MemoryStream(new byte[40_000]), None);
        return TestMail.Delivery(body, email, cluster.Time.GetUtcNow(), id);
    }
}
