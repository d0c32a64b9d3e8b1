using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>What happens to commits while another process holds the file: it is locked here from outside the store.</summary>
public sealed class WaitingCommitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ACommitBeyondTheBoundIsRefusedAtOnceAndTheOthersAreWritten()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path, MaxWaitingCommits = 3, BusyTimeout = TimeSpan.FromMinutes(5) });
        var waiting = new List<Task<TableCommit>>();
        using (_folder.LockDatabase())
        {
            // The writer takes at most the first few before it waits for the lock; then three may wait.
            StoreException? refusal = null;
            for (var i = 0; refusal is null; i++)
            {
                Assert.InRange(i, 0, 1000);
                var commit = InsertAsync(store, $"{i}");
                if (commit.IsFaulted)
                {
                    refusal = Assert.IsType<StoreException>(commit.Exception.InnerException);
                }
                else
                {
                    waiting.Add(commit);
                }
            }

            Assert.Equal(StoreFailure.Unavailable, refusal.Failure);
            Assert.Contains("Too many", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(waiting, w => w.IsCompleted);
        }

        Assert.All(await Task.WhenAll(waiting), c => Assert.True(c.Committed));
    }

    [Fact]
    public async Task BytesThatWaitAreBoundedToo()
    {
        await using var store = SqliteStore.Open(
            new() { Path = _folder.Path, MaxWaitingBytes = 100_000, BusyTimeout = TimeSpan.FromMinutes(5) });
        var waiting = new List<Task<TableCommit>>();
        using (_folder.LockDatabase())
        {
            for (var i = 0; waiting.Count == 0 || !waiting[^1].IsFaulted; i++)
            {
                Assert.InRange(i, 0, 50);
                waiting.Add(InsertAsync(store, $"{i}", 40_000));
            }
        }

        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => waiting[^1])).Failure);
        Assert.All(await Task.WhenAll(waiting.SkipLast(1)), c => Assert.True(c.Committed));
    }

    [Fact]
    public async Task ACommitThatWaitsTooLongForAnotherProcessIsUnavailableAndNotWritten()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path, BusyTimeout = TimeSpan.FromMilliseconds(50) });
        using (_folder.LockDatabase())
        {
            Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => InsertAsync(store, "r"))).Failure);
        }

        Assert.Null(await store.Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
        Assert.True((await InsertAsync(store, "r")).Committed);
    }

    [Fact]
    public async Task ACommitCancelledWhileItWaitsIsNotWritten()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path, BusyTimeout = TimeSpan.FromMinutes(5) });
        using var cancelled = new CancellationTokenSource();
        Task<TableCommit> first, second;
        using (_folder.LockDatabase())
        {
            first = InsertAsync(store, "first");
            second = store.Tables.CommitAsync(
                TableNames.Mail, "p", [TableOperation.Insert("second", new Dictionary<string, TableValue>())], cancelled.Token).AsTask();
            await cancelled.CancelAsync();
        }

        Assert.True((await first).Committed);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Null(await store.Tables.ReadAsync(TableNames.Mail, "p", "second", Token));
    }

    [Fact]
    public async Task ReadsGoOnWhileTheWriterWaits()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path, BusyTimeout = TimeSpan.FromMinutes(5) });
        Assert.True((await InsertAsync(store, "old")).Committed);
        Task<TableCommit> waiting;
        using (_folder.LockDatabase())
        {
            waiting = InsertAsync(store, "new");
            Assert.NotNull(await store.Tables.ReadAsync(TableNames.Mail, "p", "old", Token));
            Assert.Null(await store.Tables.ReadAsync(TableNames.Mail, "p", "new", Token));
        }

        Assert.True((await waiting).Committed);
        Assert.NotNull(await store.Tables.ReadAsync(TableNames.Mail, "p", "new", Token));
    }

    private static Task<TableCommit> InsertAsync(SqliteStore store, string row, int bytes = 1) => store.Tables.CommitAsync(
        TableNames.Mail, "p", [TableOperation.Insert(row, new Dictionary<string, TableValue> { ["v"] = new byte[bytes] })], Token).AsTask();
}
