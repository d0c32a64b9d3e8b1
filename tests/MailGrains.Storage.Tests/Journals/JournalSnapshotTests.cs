using MailGrains.Storage.Journals;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>When snapshots are written, what they write, and what goes behind them.</summary>
public sealed class JournalSnapshotTests(SqliteStoreFixture store) : IClassFixture<SqliteStoreFixture>
{
    private static CancellationToken Token => JournalRig.Token;

    [Theory]
    [InlineData(10, int.MaxValue)]
    [InlineData(int.MaxValue, 10 * LedgerDraft.AddBytes)]
    public Task SnapshotsFollowCommitsAndBytes(int commits, int bytes) => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { SnapshotAfterCommits = commits, SnapshotAfterBytes = bytes, UndoWindow = TimeSpan.Zero };
        var journal = await rig.CreateAsync();
        for (var i = 1; i <= 9; i++)
        {
            await journal.AddAsync(i, 1);
        }

        Assert.Empty(await rig.BlobNamesAsync());
        await journal.AddAsync(10, 1);
        await UntilAsync(async () => (await rig.HeaderAsync()) is { Snapshot.Sequence: 10, First: 11 });
        Assert.Equal(11, await journal.AddAsync(1, 1));
        Assert.Equal(11, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task CallsAreServedWhileASnapshotIsWritten() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Blobs.BeforeWrite = _ => written.Task;
        var snapshot = journal.SnapshotAsync(Token).AsTask();
        Assert.Equal(3, await journal.AddAsync(1, 2));
        Assert.Equal(10, await journal.AddAsync(50, 7));
        Assert.False(await journal.SnapshotAsync(Token));
        written.SetResult();
        Assert.True(await snapshot);
        Assert.Equal(1, (await rig.HeaderAsync()).Snapshot!.Value.Sequence);

        var loaded = await rig.LoadAsync();
        Assert.Equal((10L, 3L), (loaded.State.Total, loaded.Sequence));
        Assert.True(await journal.SnapshotAsync(Token));
        Assert.Equal(new Dictionary<int, long> { [1] = 3, [50] = 7 }, await (await rig.LoadAsync()).State.AmountsAsync(Token));
    });

    [Fact]
    public Task ASnapshotThatIsUnderWayDoesNotOutliveItsOwner() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        Assert.True(await journal.SnapshotAsync(Token));
        await journal.AddAsync(1, 1);
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Blobs.BeforeWrite = _ => written.Task;
        var snapshot = journal.SnapshotAsync(Token).AsTask();
        await journal.DeleteAsync([], Token);
        var purged = journal.PurgeHistoryAsync(Token).AsTask();
        Assert.False(purged.IsCompleted);
        written.SetResult();
        Assert.False(await snapshot);
        await purged;
        Assert.Empty(await rig.BlobNamesAsync());
        Assert.Equal((JournalStatus.Deleted, null), ((await rig.HeaderAsync()).Status, (await rig.HeaderAsync()).Snapshot));
        Assert.Equal(0, await rig.CountRowsAsync("j:"));
    });

    [Fact]
    public Task DrainingGivesUpASnapshot() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        rig.Blobs.FailWrite(BlobFault.Hang);
        var snapshot = journal.SnapshotAsync(Token).AsTask();
        await journal.DrainAsync(Token);
        Assert.False(await snapshot);
        Assert.Equal(1, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task ARemovedSegmentGoesAndMayComeBack() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero };
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        await journal.AddAsync(17, 1);
        Assert.True(await journal.SnapshotAsync(Token));
        Assert.Equal(3, (await rig.BlobNamesAsync()).Count);
        await journal.CommitAsync(new JournalCall<LedgerDraft, int>(d => { d.Clear(1); return new(0, true); }, [], LedgerDraft.ClearBytes), Token);
        Assert.True(await journal.SnapshotAsync(Token));
        Assert.Equal(2, (await rig.BlobNamesAsync()).Count);
        await journal.AddAsync(18, 4);
        Assert.True(await journal.SnapshotAsync(Token));
        Assert.Equal(new Dictionary<int, long> { [1] = 1, [18] = 4 }, await (await rig.LoadAsync()).State.AmountsAsync(Token));
    });

    [Fact]
    public Task ASegmentThatIsBeingReadOutlivesTheSnapshotThatReplacesIt() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero };
        var first = await rig.CreateAsync();
        await first.AddAsync(1, 1);
        Assert.True(await first.SnapshotAsync(Token));
        var journal = await rig.LoadAsync();
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Blobs.BeforeRead = _ => read.Task;
        var amount = journal.State.AmountAsync(1, Token).AsTask();
        rig.Blobs.BeforeRead = null;
        await journal.AddAsync(1, 1);
        Assert.True(await journal.SnapshotAsync(Token));
        read.SetResult();
        Assert.Equal(2, await amount);
        Assert.Equal(1, await SnapshotSweep.SweepAsync(rig.Account, rig.Partition, new LaterTime(TimeSpan.FromDays(2)), Token));
    });

    [Fact]
    public Task HistoryIsKeptForTheUndoWindowAndOneSnapshotBeforeIt() => RunAsync(async rig =>
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        rig.Time = time;
        rig.Options = new JournalOptions { UndoWindow = TimeSpan.FromDays(30), SnapshotAfterCommits = 100 };
        var journal = await rig.CreateAsync();
        var most = 0;
        for (var day = 1; day <= 100; day++)
        {
            time.Advance(TimeSpan.FromDays(1));
            await journal.AddAsync(day % 40, day);
            Assert.True(await journal.SnapshotAsync(Token));
            most = Math.Max(most, (await rig.BlobNamesAsync()).Count);
            var header = await rig.HeaderAsync();

            // A commit a day: what is younger than 30 days is there, what is older than 30 and a quarter of it is not.
            Assert.InRange(header.First, Math.Max(1, day - 38), Math.Max(1, day - 30 + 1));
            if (day % 10 == 0)
            {
                await rig.CheckAsync();
            }
        }

        // Six heads at the most, three segments each.
        Assert.InRange(most, 8, 6 * 4);
        Assert.Equal(5050, (await rig.LoadAsync()).State.Total);
        Assert.Equal(0, await SnapshotSweep.SweepAsync(rig.Account, rig.Partition, new LaterTime(TimeSpan.FromDays(2)), Token));
    });

    [Fact]
    public Task AJournalThatHasGrownLongIsTruncatedInBoundedSteps() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        for (var i = 0; i < 450; i++)
        {
            await journal.AddAsync(i, 1);
        }

        await journal.DrainAsync(Token);
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero, SnapshotAfterCommits = 50 };
        journal = await rig.LoadAsync();
        Assert.True(await journal.SnapshotAsync(Token));
        Assert.Equal(200, (await rig.HeaderAsync()).First);
        Assert.Equal(251, await rig.CountRowsAsync("j:"));
        for (var i = 0; i < 2; i++)
        {
            await journal.AddAsync(1, 1);
            Assert.True(await journal.SnapshotAsync(Token));
        }

        Assert.Equal(453, (await rig.HeaderAsync()).First);
        Assert.Equal(0, await rig.CountRowsAsync("j:"));
    });

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(1, Token);
        }
    }

    private Task RunAsync(Func<JournalRig, Task> test) => JournalRig.RunAsync(store.Account, test);
}
