using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Grains.Records;
using MailGrains.Storage;

namespace MailGrains.Grains.Tests.Mailboxes;

public sealed class MailboxStateTests
{
    [Fact]
    public async Task ADeliveryReadsNoSegmentAndASnapshotRewritesTheLastOneOnly()
    {
        var harness = new StateHarness(budgetBytes: 0);
        Fill(harness, 3 * 4096);
        await harness.SnapshotAsync();
        harness.Reload();
        var (reads, written) = (harness.SegmentReads, harness.SegmentsWritten);

        Fill(harness, 100);
        Assert.Equal(reads, harness.SegmentReads);
        await harness.SnapshotAsync();

        Assert.Equal(written + 1, harness.SegmentsWritten);
        Assert.Equal(3 * 4096 + 100, harness.State.Folders[0].Messages);
    }

    [Fact]
    public async Task AnIndexTakesLessThan64BytesAMessage()
    {
        var harness = new StateHarness(budgetBytes: 0);
        Fill(harness, 10_000);
        await harness.SnapshotAsync();

        Assert.InRange(harness.SegmentBytes, 1, 64 * 10_000);
    }

    [Fact]
    public async Task AFlagOnEveryMessageOfALargeFolderStaysASmallChangeUntilSegmentsAreWritten()
    {
        var harness = new StateHarness(budgetBytes: 0);
        Fill(harness, 5 * 4096);
        await harness.SnapshotAsync();
        harness.Reload();
        var written = harness.SegmentsWritten;

        await harness.StoreFlagsAsync(new StoreFlagsRequest(1, [.. Enumerable.Range(1, 5 * 4096).Select(i => (uint)i)], FlagsChange.Add, ["\\Seen"], null));
        await harness.SnapshotAsync();
        harness.Reload();

        Assert.Equal(written, harness.SegmentsWritten);
        Assert.Equal(0, harness.State.Folders[0].Unseen);
        Assert.True((await harness.ListAsync(1, 5000)).All(m => m.Keywords is ["\\Seen"]));
    }

    [Fact]
    public async Task LoadedSegmentsOfAllMailboxesStayWithinTheBudget()
    {
        var harness = new StateHarness(budgetBytes: 150 * 1024, new IndexLimits { SegmentEntries = 1024 });
        Fill(harness, 10 * 1024);
        await harness.SnapshotAsync();
        Assert.InRange(harness.LoadedBytes, 0, 150 * 1024);

        Assert.Equal(10 * 1024, (await harness.ListAsync(1, 5000)).Count);
        Assert.InRange(harness.LoadedBytes, 1, 150 * 1024);

        harness.State.Release();
        Assert.Equal(0, harness.LoadedBytes);
    }

    [Fact]
    public async Task EmptiedSegmentsAreRemovedFromTheSnapshot()
    {
        var harness = new StateHarness(budgetBytes: long.MaxValue, new IndexLimits { SegmentEntries = 10 });
        Fill(harness, 30);
        await harness.SnapshotAsync();
        await harness.ExpungeAsync(1, [.. Enumerable.Range(1, 25).Select(i => (uint)i)]);
        while ((await harness.PurgeAsync(7)).Count > 0)
        {
        }

        await harness.SnapshotAsync();
        harness.Reload();

        Assert.Single(harness.State.Folders[0].Segments);
        Assert.Equal([26u, 27u, 28u, 29u, 30u], (await harness.ListAsync(1)).Select(m => m.Uid));
        Assert.Equal(31u, harness.State.Folders[0].UidNext);
    }

    [Fact]
    public async Task AnInterruptedPurgeIsKnownAfterALoad()
    {
        var harness = new StateHarness(budgetBytes: 0);
        Fill(harness, 10);
        await harness.ExpungeAsync(1, 2, 3, 4);
        var purging = await harness.PurgeAsync(2, end: false);
        harness.Reload();
        Assert.Equal(purging, harness.State.Expunges.Purging);

        await harness.SnapshotAsync();
        harness.Reload();
        Assert.Equal(purging, harness.State.Expunges.Purging);
        Assert.Equal(1, harness.State.Expunges.Messages);

        Assert.Equal(purging, await harness.PurgeAsync(2));
        harness.Reload();
        Assert.Empty(harness.State.Expunges.Purging);
    }

    [Fact]
    public async Task MessagesAreFoundByTheirIdsAcrossFoldersAndSegments()
    {
        var harness = new StateHarness(budgetBytes: 0, new IndexLimits { SegmentEntries = 10 });
        var inbox = Fill(harness, 35);
        harness.Now += TimeSpan.FromHours(1);
        var sent = Fill(harness, 12, "Sent");
        await harness.SnapshotAsync();
        harness.Reload();
        await harness.ExpungeAsync(1, 4);

        var found = await harness.State.FindAsync([sent[11], inbox[3], EmailId.New(harness.Now), inbox[34]], TestContext.Current.CancellationToken);

        Assert.Equal([sent[11], inbox[34]], found.Select(f => f.Email));
        Assert.All(found, f => Assert.Equal(100, f.Bytes));
    }

    [Fact]
    public void KeywordsAreBoundedAndOneMoreIsRefused()
    {
        var harness = new StateHarness(budgetBytes: 0);
        string[] many = [.. Enumerable.Range(0, KeywordTable.MaxKeywords).Select(i => $"k{i}")];
        harness.Commit(draft => draft.Deliver(harness.Delivery(10, keywords: many), harness.Now));

        var request = new StoreFlagsRequest(1, [1], FlagsChange.Add, ["K7", "one-more", "no keyword", "\\Seen"], null);
        var stored = harness.Commit(draft => draft.StoreFlags(harness.State.Folders[0], [1], request))!;

        Assert.Equal(["one-more", "no keyword"], stored.Refused);
        Assert.Equal([1u], stored.Changed);
        var names = harness.State.Keywords.Names(harness.State.Folders[0].Tail[0].Bits);
        Assert.Equal(["\\Seen", .. many], names);
    }

    [Fact]
    public void TwoRepeatsInOneBatchAreKeptOnceAndNameTheFirst()
    {
        var harness = new StateHarness(budgetBytes: 0);
        var id = TestMail.NewId();
        var batch = harness.Commit(draft => Enumerable.Range(0, 3).Select(_ => draft.Deliver(harness.Delivery(10, id: id), harness.Now)).ToList());

        Assert.Equal([DeliveryStatus.Delivered, DeliveryStatus.Repeated, DeliveryStatus.Repeated], batch.Select(d => d.Status));
        Assert.Single(batch.Select(d => d.Email).Distinct());
        Assert.Equal((1, 10L), (harness.State.Folders[0].Messages, harness.State.UsedBytes));
    }

    [Fact]
    public void ChangesOfOneBatchSeeTheEarlierOnes()
    {
        var harness = new StateHarness(budgetBytes: 0);
        harness.Commit(draft => draft.Deliver(harness.Delivery(10), harness.Now));
        var folder = harness.State.Folders[0];
        StoreFlagsRequest Request(string keyword) => new(1, [1], FlagsChange.Add, [keyword], 1);

        var (one, other, gone, again) = harness.Commit(draft => (
            draft.StoreFlags(folder, [1], Request("one"))!, draft.StoreFlags(folder, [1], Request("other"))!,
            draft.Expunge(folder, [1], harness.Now), draft.Expunge(folder, [1], harness.Now)));

        Assert.Equal([1u], one.Changed);
        Assert.Equal([1u], other.Modified);
        Assert.Equal((1, 0), (gone, again));
        Assert.Equal((0, 0, 0L), (folder.Messages, folder.Unseen, harness.State.UsedBytes));
    }

    [Fact]
    public void TheSameMessageTwiceInOneTransactionIsKeptOnce()
    {
        var harness = new StateHarness(budgetBytes: 0);
        var email = EmailId.New(harness.Now);
        var first = harness.Delivery(10, id: TestMail.NewId(), email: email);
        var second = harness.Delivery(10, id: TestMail.NewId(), email: email);

        var batch = harness.Commit(draft => (draft.Deliver(first, harness.Now), draft.Deliver(second, harness.Now)));
        var later = harness.Commit(draft => draft.Deliver(second, harness.Now));

        Assert.Equal(DeliveryStatus.Delivered, batch.Item1.Status);
        Assert.Equal(new(DeliveryStatus.Repeated, email), batch.Item2);
        Assert.Equal(new(DeliveryStatus.Repeated, email), later);
    }

    [Fact]
    public void ARepeatAfterSevenDaysIsAnotherMessage()
    {
        var harness = new StateHarness(budgetBytes: 0);
        var id = TestMail.NewId();
        harness.Commit(draft => draft.Deliver(harness.Delivery(10, id: id), harness.Now));
        harness.Now += TimeSpan.FromDays(7) - TimeSpan.FromSeconds(2);
        Assert.Equal(DeliveryStatus.Repeated, harness.Commit(draft => draft.Deliver(harness.Delivery(10, id: id), harness.Now)).Status);

        harness.Now += TimeSpan.FromSeconds(3);
        Assert.Equal(DeliveryStatus.Delivered, harness.Commit(draft => draft.Deliver(harness.Delivery(10, id: id), harness.Now)).Status);
    }

    [Fact]
    public async Task EveryTruncationOfARecordIsRefusedAndNeverTakenForAnother()
    {
        var harness = new StateHarness(budgetBytes: 0);
        Fill(harness, 3);
        var draft = harness.State.BeginDraft();
        draft.Deliver(harness.Delivery(10, keywords: ["\\Seen", "new"]), harness.Now);
        draft.Expunge(harness.State.Folders[0], [1, 3], harness.Now);
        var events = draft.Events.ToArray();
        for (var length = 0; length < events.Length; length++)
        {
            var cut = events[..length];
            var copy = new StateHarness(budgetBytes: 0);
            Fill(copy, 3);
            var taken = Record.Exception(() => copy.State.Apply(9, cut));
            Assert.True(taken is null or StoreException { Failure: StoreFailure.Unreadable }, $"{length}: {taken}");
        }

        await harness.SnapshotAsync();
    }

    [Fact]
    public void ARecordOfANewerFormatIsRefused()
    {
        var harness = new StateHarness(budgetBytes: 0);
        var newer = Assert.Throws<StoreException>(() => harness.State.Apply(2, [2, 4]));
        Assert.Equal(StoreFailure.Unreadable, newer.Failure);
        Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(() => harness.State.Apply(2, [1, 200])).Failure);
        Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(() => harness.State.Restore(new byte[] { 2 }, harness)).Failure);
    }

    [Theory]
    [InlineData(new uint[] { 1 }, 1)]
    [InlineData(new uint[] { 1, 2, 3, 7, 9, 10, uint.MaxValue }, 4)]
    public void UidSetsSurviveTheirEncoding(uint[] uids, int ranges)
    {
        var set = UidSet.Of(uids);
        var record = new RecordWriter();
        set.Write(record);
        var reader = new RecordReader(record.Written.Span);
        var read = UidSet.Read(ref reader);

        Assert.True(reader.AtEnd);
        Assert.Equal(ranges, set.Ranges.Length);
        Assert.Equal(uids, read.Uids());
        Assert.InRange(record.Length, 1, set.MaxBytes);
        for (var count = 1; count <= uids.Length; count++)
        {
            var (taken, left) = read.Split(count);
            Assert.Equal(uids[..count], taken.Uids());
            Assert.Equal(uids[count..], left.Uids());
        }
    }

    private static EmailId[] Fill(StateHarness harness, int count, string folder = "INBOX")
    {
        var emails = Enumerable.Range(0, count).Select(i => EmailId.New(harness.Now.AddMilliseconds(i))).ToArray();
        foreach (var some in emails.Chunk(90))
        {
            harness.Commit(draft =>
            {
                foreach (var email in some)
                {
                    draft.Deliver(harness.Delivery(100, folder, email: email), harness.Now);
                }
            });
        }

        return emails;
    }
}
