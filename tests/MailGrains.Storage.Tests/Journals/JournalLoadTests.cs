using System.Diagnostics;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>Loading: beside a writer that goes on, of large journals, of what can't be read.</summary>
public sealed class JournalLoadTests(SqliteStoreFixture store, ITestOutputHelper output) : IClassFixture<SqliteStoreFixture>
{
    private static CancellationToken Token => JournalRig.Token;

    [Fact]
    public Task ALoadThatIsTruncatedUnderItsHandsStartsOver() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero };
        var writer = await rig.CreateAsync();
        for (var i = 0; i < 5; i++)
        {
            await writer.AddAsync(i, 1);
        }

        // Between the loader's look at the header and its range read the writer goes on; on the second attempt it drops the snapshot.
        var loader = rig.New();
        var interruptions = 0;
        rig.Tables.BeforeRead = async row =>
        {
            if (row is null && interruptions++ == 0)
            {
                await writer.AddAsync(1, 10);
                Assert.True(await writer.SnapshotAsync(Token));
                await writer.AddAsync(1, 100);
            }
        };
        var heads = 0;
        rig.Blobs.BeforeRead = async name =>
        {
            if (name.Contains("-head-", StringComparison.Ordinal) && heads++ == 0)
            {
                Assert.True(await writer.SnapshotAsync(Token));
            }
        };
        await loader.LoadAsync(Token);
        Assert.Equal((1, 2), (interruptions, heads));
        Assert.Equal((115L, 7L, 1), (loader.State.Total, loader.Sequence, loader.State.Restores));
        Assert.Equal(1115, await loader.AddAsync(1, 1000));
    });

    [Fact]
    public Task ALoadThatIsAlwaysOvertakenEndsUnavailable() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero };
        var writer = await rig.CreateAsync();
        await writer.AddAsync(1, 1);
        rig.Tables.BeforeRead = async row =>
        {
            if (row is null)
            {
                await writer.AddAsync(1, 1);
                Assert.True(await writer.SnapshotAsync(Token));
            }
        };
        rig.Blobs.BeforeRead = async _ =>
        {
            await writer.AddAsync(1, 1);
            Assert.True(await writer.SnapshotAsync(Token));
        };
        var loader = rig.New();
        var failed = await Assert.ThrowsAsync<StoreException>(() => loader.LoadAsync(Token).AsTask());
        Assert.Equal(StoreFailure.Unavailable, failed.Failure);
        Assert.Equal(JournalStatus.NotLoaded, loader.Status);
        rig.Tables.Heal();
        rig.Blobs.Heal();
        await loader.LoadAsync(Token);
        Assert.Equal(writer.State.Total, loader.State.Total);
    });

    [Fact]
    public Task AFailedLoadMayBeRepeated() => RunAsync(async rig =>
    {
        await (await rig.CreateAsync()).AddAsync(1, 1);
        var loader = rig.New();
        rig.Tables.BeforeRead = row => row is null ? throw new StoreException(StoreFailure.Unavailable, "Busy.") : Task.CompletedTask;
        await Assert.ThrowsAsync<StoreException>(() => loader.LoadAsync(Token).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => loader.AddAsync(1, 1).AsTask());
        rig.Tables.Heal();
        await loader.LoadAsync(Token);
        Assert.Equal(3, await loader.AddAsync(1, 2));
    });

    [Theory]
    [InlineData("h")]
    [InlineData("j:0000000000000000002")]
    public async Task ANewerFormatIsNotLoadedAndNotWritten(string row)
    {
        var rig = new JournalRig(store.Account);
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        await journal.AddAsync(1, 1);
        var stored = (await rig.Account.Tables.ReadAsync(TableNames.Mail, rig.Partition, row, Token))!;
        var (name, value) = stored.Properties.Single();
        byte[] newer = [2, .. value.AsBytes!.Value.Span[1..]];
        await rig.Account.Tables.CommitAsync(TableNames.Mail, rig.Partition, [TableOperation.Upsert(row, new RowProperties(name, newer))], Token);

        var commits = rig.Tables.Commits;
        var loader = rig.New();
        var failed = await Assert.ThrowsAsync<StoreException>(() => loader.LoadAsync(Token).AsTask());
        Assert.Equal(StoreFailure.Unreadable, failed.Failure);
        await Assert.ThrowsAsync<InvalidOperationException>(() => loader.AddAsync(1, 1).AsTask());
        Assert.Equal(commits, rig.Tables.Commits);
        Assert.NotEmpty(await JournalCheck.CheckAsync(rig.Account, rig.Partition, Token));
        if (row == "h")
        {
            Assert.True((await Assert.ThrowsAsync<JournalLostException>(() => journal.AddAsync(1, 1).AsTask())).Fenced);
        }
    }

    [Fact]
    public async Task DamageIsReportedAndNotLoaded()
    {
        var rig = new JournalRig(store.Account) { Options = new JournalOptions { UndoWindow = TimeSpan.FromDays(1) } };
        var journal = await rig.CreateAsync();
        for (var i = 0; i < 6; i++)
        {
            await journal.AddAsync(i * 20, 1);
        }

        Assert.True(await journal.SnapshotAsync(Token));
        await journal.AddAsync(1, 1);
        await journal.AddAsync(1, 1);
        await rig.CheckAsync();

        await WithoutAsync(JournalHeader.Row + "x", expectFindings: false);
        await WithoutAsync("j:0000000000000000003", expectFindings: true);
        await WithoutAsync("j:0000000000000000008", expectFindings: true);
        await rig.Account.Tables.CommitAsync(TableNames.Mail, rig.Partition, [LedgerCalls.Row("j:0000000000000000009")], Token);
        Assert.NotEmpty(await JournalCheck.CheckAsync(rig.Account, rig.Partition, Token));
        await rig.Account.Tables.CommitAsync(TableNames.Mail, rig.Partition, [TableOperation.Delete("j:0000000000000000009")], Token);
        await rig.CheckAsync();

        Assert.True(await rig.Account.Blobs.DeleteAsync((await rig.BlobNamesAsync()).First(n => !n.Contains("-head-", StringComparison.Ordinal)), Token));
        Assert.NotEmpty(await JournalCheck.CheckAsync(rig.Account, rig.Partition, Token));
        var loaded = await rig.LoadAsync();
        var failed = await Assert.ThrowsAsync<StoreException>(() => loaded.State.AmountsAsync(Token));
        Assert.Equal(StoreFailure.Unreadable, failed.Failure);
        Assert.Equal(JournalStatus.Live, loaded.Status);

        Assert.True(await rig.Account.Blobs.DeleteAsync((await rig.BlobNamesAsync()).Single(n => n.Contains("-head-", StringComparison.Ordinal)), Token));
        failed = await Assert.ThrowsAsync<StoreException>(() => rig.LoadAsync());
        Assert.Equal(StoreFailure.Unreadable, failed.Failure);

        async Task WithoutAsync(string key, bool expectFindings)
        {
            if (await rig.Account.Tables.ReadAsync(TableNames.Mail, rig.Partition, key, Token) is not { } row)
            {
                Assert.False(expectFindings);
                return;
            }

            await rig.Account.Tables.CommitAsync(TableNames.Mail, rig.Partition, [TableOperation.Delete(key)], Token);
            Assert.NotEmpty(await JournalCheck.CheckAsync(rig.Account, rig.Partition, Token));
            await rig.Account.Tables.CommitAsync(TableNames.Mail, rig.Partition, [TableOperation.Insert(key, row.Properties)], Token);
        }
    }

    [Fact]
    public Task AStaleActivationThatMissesItsSegmentLearnsThatItIsFenced() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { UndoWindow = TimeSpan.Zero };
        var first = await rig.CreateAsync();
        await first.AddAsync(1, 1);
        Assert.True(await first.SnapshotAsync(Token));
        var stale = await rig.LoadAsync();
        var owner = await rig.LoadAsync();
        await owner.AddAsync(1, 1);
        Assert.True(await owner.SnapshotAsync(Token));
        Assert.True((await Assert.ThrowsAsync<JournalLostException>(() => stale.State.AmountAsync(1, Token).AsTask())).Fenced);
        Assert.Equal(JournalStatus.Lost, stale.Status);
        Assert.Equal(2, await owner.State.AmountAsync(1, Token));
    });

    [Fact]
    public Task AHundredThousandEventsAreReloadedInSeconds() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { SnapshotAfterCommits = int.MaxValue, SnapshotAfterBytes = int.MaxValue, MaxWaitingCalls = 200_000 };
        var journal = await rig.CreateAsync();

        // Half of them in commits of one event, half in full batches.
        const int Commits = 50_000;
        await Task.WhenAll(Enumerable.Range(0, Commits).Select(i => journal.AddAsync(i % 1000, 1).AsTask()));
        var batched = journal.Sequence;
        await AppendRowsAsync(rig, journal, Commits);

        var watch = Stopwatch.StartNew();
        var loaded = await rig.LoadAsync();
        var took = watch.Elapsed;
        output.WriteLine($"{loaded.State.Total} events in {loaded.Sequence} commits ({batched} of them batches) reloaded in {took.TotalMilliseconds:F0} ms");
        Assert.Equal((2L * Commits, batched + Commits), (loaded.State.Total, loaded.Sequence));
        Assert.True(took < TimeSpan.FromSeconds(20), $"took {took}");

        Assert.True(await loaded.SnapshotAsync(Token));
        watch.Restart();
        var again = await rig.LoadAsync();
        output.WriteLine($"from a snapshot in {watch.Elapsed.TotalMilliseconds:F0} ms");
        Assert.Equal((2L * Commits, 1), (again.State.Total, again.State.Restores));
    });

    /// <summary>Writes commits of one event each as the journal does, many to a transaction: only the rows count for the load.</summary>
    private static async Task AppendRowsAsync(JournalRig rig, Journal<Ledger, LedgerDraft> journal, int commits)
    {
        await journal.DrainAsync(Token);
        var header = await rig.HeaderAsync();
        var draft = new LedgerDraft(new Ledger());
        draft.Add(7, 1);
        for (var written = 0; written < commits;)
        {
            var count = Math.Min(99, commits - written);
            header = header with { Sequence = header.Sequence + count };
            List<TableOperation> operations = [TableOperation.Upsert(JournalHeader.Row, header.Encode())];
            for (var i = count - 1; i >= 0; i--)
            {
                operations.Add(TableOperation.Insert(JournalRows.Key(header.Sequence - i), JournalRows.Encode(DateTimeOffset.UtcNow, draft.Events.Span)));
            }

            Assert.True((await rig.Account.Tables.CommitAsync(TableNames.Mail, rig.Partition, operations, Token)).Committed);
            written += count;
        }
    }

    private Task RunAsync(Func<JournalRig, Task> test) => JournalRig.RunAsync(store.Account, test);
}
