using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>What a journal promises, on every store.</summary>
public abstract class JournalContract
{
    protected abstract ValueTask<StorageAccount> AccountAsync();

    private protected async Task RunAsync(Func<JournalRig, Task> test) => await JournalRig.RunAsync(await AccountAsync(), test);

    [Fact]
    public Task CommittedCallsAreThereAfterALoad() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        Assert.Equal(5, await journal.AddAsync(1, 5, LedgerCalls.Row("m:1")));
        Assert.Equal(3, await journal.AddAsync(40, -2));
        Assert.Equal(1, await rig.CountRowsAsync("m:"));

        var loaded = await rig.LoadAsync();
        Assert.Equal((3L, 2L), (loaded.State.Total, loaded.Sequence));
        Assert.Equal(new Dictionary<int, long> { [1] = 5, [40] = -2 }, await loaded.State.AmountsAsync(JournalRig.Token));
    });

    [Fact]
    public Task ASmallCallCostsOneTransaction() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var before = rig.Tables.Commits;
        await journal.AddAsync(1, 1, LedgerCalls.Row("m:1"), LedgerCalls.Row("b:1"));
        Assert.Equal(1, rig.Tables.Commits - before);
    });

    [Fact]
    public Task OfTwoWritersOneWinsAndTheOtherReportsTheConflict() => RunAsync(async rig =>
    {
        await rig.CreateAsync();
        for (var round = 1; round <= 10; round++)
        {
            var left = await rig.LoadAsync();
            var right = await rig.LoadAsync();
            var outcomes = await Task.WhenAll(TryAsync(left, round), TryAsync(right, round));
            Assert.Single(outcomes, outcome => outcome is null);
            Assert.True(Assert.IsType<JournalLostException>(Assert.Single(outcomes, outcome => outcome is not null)).Fenced);

            var loser = outcomes[0] is null ? right : left;
            Assert.Equal(JournalStatus.Lost, loser.Status);
            Assert.Throws<JournalLostException>(() => loser.State);
            await Assert.ThrowsAsync<JournalLostException>(() => loser.AddAsync(1, 1).AsTask());
            Assert.Equal(round, (await rig.LoadAsync()).State.Total);
        }

        static async Task<Exception?> TryAsync(Journal<Ledger, LedgerDraft> journal, int key)
        {
            await Task.Yield();
            return await Record.ExceptionAsync(() => journal.AddAsync(key, 1).AsTask());
        }
    });

    [Fact]
    public Task AStaleWriterStaysFencedWhenTheRowsThatItMissedAreTruncated() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero };
        var stale = await rig.CreateAsync();
        await stale.AddAsync(1, 1);
        var owner = await rig.LoadAsync();
        for (var i = 0; i < 3; i++)
        {
            await owner.AddAsync(2, 10);
        }

        Assert.True(await owner.SnapshotAsync(JournalRig.Token));
        Assert.Equal(0, await rig.CountRowsAsync("j:"));

        var lost = await Assert.ThrowsAsync<JournalLostException>(() => stale.AddAsync(1, 100).AsTask());
        Assert.True(lost.Fenced);
        Assert.Equal(0, await rig.CountRowsAsync("j:"));
        Assert.Equal(41, await owner.AddAsync(1, 10));
        Assert.Equal(41, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task TwoRepeatsOfOneDeliveryInOneBatchAreKeptOnce() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var now = DateTimeOffset.UtcNow;
        var id = new DeliveryId(1, 2);
        var (first, second) = (EmailId.New(now), EmailId.New(now));
        var held = rig.Tables.HoldCommits();
        var before = journal.AddAsync(5, 1);
        await UntilAsync(() => rig.Tables.HeldCommits == 1);
        var repeats = new[]
        {
            journal.DeliverAsync(id, first, now, LedgerCalls.Row($"m:{first}")).AsTask(),
            journal.DeliverAsync(id, second, now, LedgerCalls.Row($"m:{second}")).AsTask(),
        };
        held.Dispose();
        await before;
        Assert.Equal([(true, first), (false, first)], await Task.WhenAll(repeats));
        Assert.Equal(2, journal.Sequence);
        Assert.Equal(1, await rig.CountRowsAsync("m:"));

        var later = await rig.LoadAsync();
        Assert.Equal((false, first), await later.DeliverAsync(id, second, now.AddDays(6)));
        Assert.Equal(2, later.State.Total);
        Assert.Equal((true, second), await later.DeliverAsync(id, second, now.AddDays(7)));
    });

    [Fact]
    public Task AnOversizedRowFailsAloneBesideGoodOnes() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var properties = Enumerable.Range(0, 17).Select(i => KeyValuePair.Create($"p{i}", TableValue.Of(new byte[64 * 1024]))).ToArray();
        var held = rig.Tables.HoldCommits();
        var calls = new[]
        {
            journal.AddAsync(1, 1, LedgerCalls.Row("m:1")).AsTask(),
            journal.AddAsync(2, 2, TableOperation.Upsert("m:2", new RowProperties(properties))).AsTask(),
            journal.AddAsync(3, 4, LedgerCalls.Row("m:3", 64 * 1024 + 1)).AsTask(),
            journal.AddAsync(4, 8, [.. Enumerable.Range(0, 99).Select(i => LedgerCalls.Row($"m:many{i}"))]).AsTask(),
            journal.AddAsync(5, 16, LedgerCalls.Row("m:5", 64 * 1024)).AsTask(),
            journal.AddAsync(6, 32, LedgerCalls.Row("h")).AsTask(),
            journal.AddAsync(7, 64, LedgerCalls.Row("m:7"), LedgerCalls.Row("m:7")).AsTask(),
            journal.AddAsync(8, 128, LedgerCalls.Row("m:?")).AsTask(),
        };
        held.Dispose();
        var outcomes = await Task.WhenAll(calls.Select(call => Record.ExceptionAsync(() => call).AsTask()));
        Assert.Equal([0, 4], outcomes.Index().Where(o => o.Item is null).Select(o => o.Index));
        Assert.All(outcomes.OfType<Exception>(), e => Assert.Equal(StoreFailure.Refused, Assert.IsType<StoreException>(e).Failure));
        Assert.Equal(17, (await rig.LoadAsync()).State.Total);
        Assert.Equal(2, await rig.CountRowsAsync("m:"));
    });

    [Theory]
    [InlineData(CommitFault.LostBefore, 0)]
    [InlineData(CommitFault.LostAfter, 1)]
    [InlineData(CommitFault.Hang, 0)]
    [InlineData(CommitFault.HangForEver, 0)]
    [InlineData(CommitFault.HangAfter, 1)]
    public Task ACommitOfUnknownOutcomeIsRepeatedAndRecognised(CommitFault fault, int conflicts) => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { TryTimeout = TimeSpan.FromSeconds(1) };
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        var before = rig.Tables.Commits;
        rig.Tables.Fail(fault);
        Assert.Equal(3, await journal.AddAsync(1, 2, TableOperation.Insert("m:1", new RowProperties("v", 1L))));
        Assert.Equal(1, rig.Tables.Commits - before);
        Assert.Equal(conflicts, rig.Tables.Conflicts);

        Assert.Equal(6, await journal.AddAsync(1, 3));
        Assert.Equal((6L, 3L), ((await rig.LoadAsync()).State.Total, journal.Sequence));
    });

    [Fact]
    public Task ACrashBetweenSnapshotBlobsAndHeaderLeavesTheOldSnapshotInForce() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { TryTimeout = TimeSpan.FromHours(1) };
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        Assert.True(await journal.SnapshotAsync(JournalRig.Token));
        await journal.AddAsync(2, 2);
        await journal.AddAsync(20, 3);
        var inForce = (await rig.HeaderAsync()).Snapshot;
        var named = (await rig.BlobNamesAsync()).Count;

        // The activation dies with the header's commit on its way: it never gets there.
        var hangs = false;
        rig.Tables.WhenCommitting = (_, _) => hangs || !(hangs = true) ? null : CommitFault.HangForEver;
        _ = journal.SnapshotAsync(JournalRig.Token).AsTask();
        rig.Forget(journal);
        await UntilAsync(() => hangs);
        Assert.Equal(named + 3, (await rig.BlobNamesAsync()).Count);

        var next = await rig.LoadAsync();
        Assert.Equal((6L, 1), (next.State.Total, next.State.Restores));
        Assert.Equal(inForce, (await rig.HeaderAsync()).Snapshot);
        Assert.Equal(0, await SnapshotSweep.SweepAsync(rig.Account, rig.Partition, TimeProvider.System, JournalRig.Token));
        Assert.Equal(3, await SnapshotSweep.SweepAsync(rig.Account, rig.Partition, new LaterTime(TimeSpan.FromDays(2)), JournalRig.Token));
        Assert.Equal(named, (await rig.BlobNamesAsync()).Count);
        Assert.Equal(10, await next.AddAsync(3, 4));
        Assert.True(await next.SnapshotAsync(JournalRig.Token));
        Assert.Equal(0, await SnapshotSweep.SweepAsync(rig.Account, rig.Partition, new LaterTime(TimeSpan.FromDays(2)), JournalRig.Token));
        Assert.Equal(new Dictionary<int, long> { [1] = 1, [2] = 2, [3] = 4, [20] = 3 }, await (await rig.LoadAsync()).State.AmountsAsync(JournalRig.Token));
    });

    [Fact]
    public Task ADeletedOwnerStaysDeleted() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1, LedgerCalls.Row("m:1"));
        var other = await rig.LoadAsync();
        await journal.DeleteAsync([LedgerCalls.Row("purge")], JournalRig.Token);
        await journal.DeleteAsync([], JournalRig.Token);
        Assert.Equal(JournalStatus.Deleted, journal.Status);
        Assert.Equal(JournalStatus.Deleted, (await Assert.ThrowsAsync<JournalClosedException>(() => journal.AddAsync(1, 1).AsTask())).Status);
        Assert.Throws<JournalClosedException>(() => journal.State);
        Assert.False(await journal.CreateAsync(_ => { }, JournalRig.Token));
        await Assert.ThrowsAsync<JournalLostException>(() => other.AddAsync(1, 1).AsTask());

        var loaded = await rig.LoadAsync();
        Assert.Equal(JournalStatus.Deleted, loaded.Status);
        Assert.Equal(journal.DeletedAt!.Value.ToUnixTimeMilliseconds(), loaded.DeletedAt!.Value.ToUnixTimeMilliseconds());
        Assert.False(await loaded.CreateAsync(_ => { }, JournalRig.Token));
        Assert.Equal(1, await rig.CountRowsAsync("purge"));

        await loaded.WriteRowsAsync([TableOperation.Delete("m:1"), TableOperation.Delete("purge")], JournalRig.Token);
        await loaded.PurgeHistoryAsync(JournalRig.Token);
        await loaded.PurgeHistoryAsync(JournalRig.Token);
        Assert.Equal(1, await rig.Account.Tables.ReadRowsAsync(TableNames.Mail, rig.Partition, KeyRange.All, JournalRig.Token).CountAsync(JournalRig.Token));
        Assert.Empty(await rig.BlobNamesAsync());
        Assert.Equal(JournalStatus.Deleted, (await rig.LoadAsync()).Status);
    });

    [Fact]
    public Task AnOwnerIsMadeOnceWithItsFirstEvents() => RunAsync(async rig =>
    {
        var (left, right) = (await rig.LoadAsync(), await rig.LoadAsync());
        Assert.Equal(JournalStatus.Missing, left.Status);
        await Assert.ThrowsAsync<JournalClosedException>(() => left.AddAsync(1, 1).AsTask());
        rig.Tables.Fail(CommitFault.LostAfter);
        Assert.True(await left.CreateAsync(draft => draft.Add(1, 7), JournalRig.Token));
        Assert.False(await right.CreateAsync(draft => draft.Add(1, 70), JournalRig.Token));
        Assert.Equal((JournalStatus.Live, 7L, 1L), (right.Status, right.State.Total, right.Sequence));
        Assert.Equal(8, await right.AddAsync(1, 1));
    });

    [Fact]
    public Task ASnapshotAndTheCommitsBehindItMakeTheState() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        for (var key = 0; key < 64; key += 8)
        {
            await journal.AddAsync(key, key);
        }

        Assert.True(await journal.SnapshotAsync(JournalRig.Token));
        Assert.False(await journal.SnapshotAsync(JournalRig.Token));
        Assert.Equal(5, rig.Blobs.Writes);
        await journal.AddAsync(17, 1);
        Assert.True(await journal.SnapshotAsync(JournalRig.Token));
        Assert.Equal(7, rig.Blobs.Writes);
        await journal.AddAsync(18, 1);

        var (reads, ranges, rows, blobs) = (rig.Tables.Reads, rig.Tables.RangeReads, rig.Tables.RowsRead, rig.Blobs.Reads);
        var loaded = await rig.LoadAsync();
        Assert.Equal((1L, 1L, 1L, 1L), (rig.Tables.Reads - reads, rig.Tables.RangeReads - ranges, rig.Tables.RowsRead - rows, rig.Blobs.Reads - blobs));
        Assert.Equal(journal.State.Total, loaded.State.Total);
        Assert.Equal(await journal.State.AmountsAsync(JournalRig.Token), await loaded.State.AmountsAsync(JournalRig.Token));

        // A segment that has changed without being in memory is loaded for the next snapshot.
        var again = await rig.LoadAsync();
        await again.AddAsync(63, 5);
        Assert.True(await again.SnapshotAsync(JournalRig.Token));
        again.State.DropLoaded();
        Assert.Equal(5, await again.State.AmountAsync(63, JournalRig.Token));
        Assert.Equal(56, await again.State.AmountAsync(56, JournalRig.Token));
    });

    private protected static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>Lets the other turns go on until something has happened.</summary>
    private protected static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            JournalRig.Token.ThrowIfCancellationRequested();
            await Task.Delay(1, JournalRig.Token);
        }
    }
}

/// <summary>The system's clock, moved on.</summary>
internal sealed class LaterTime(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
}
