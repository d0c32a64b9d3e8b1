using System.Collections.Concurrent;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tests;

public sealed class SharedFolderTests : IDisposable
{
    private const int Increments = 60;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ASecondHostIsRefusedUntilTheFirstHasGone()
    {
        await using (SqliteStore.Open(new() { Path = _folder.Path }))
        {
            var second = Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = _folder.Path }));
            Assert.Equal(StoreFailure.Unavailable, second.Failure);
            Assert.Contains(_folder.Path, second.Message, StringComparison.Ordinal);
            Assert.Contains($"in use by the process {Environment.ProcessId}", second.Message, StringComparison.Ordinal);
            var sharing = Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = _folder.Path, Shared = true }));
            Assert.Contains("does not share it", sharing.Message, StringComparison.Ordinal);
        }

        await using var next = SqliteStore.Open(new() { Path = _folder.Path });
    }

    [Fact]
    public async Task AHostThatDoesNotShareIsRefusedWhileOthersShare()
    {
        await using (SqliteStore.Open(new() { Path = _folder.Path, Shared = true }))
        await using (SqliteStore.Open(new() { Path = _folder.Path, Shared = true }))
        {
            var alone = Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = _folder.Path }));
            Assert.Equal(StoreFailure.Unavailable, alone.Failure);
            Assert.Contains("in use by hosts that share it", alone.Message, StringComparison.Ordinal);
        }

        await using var next = SqliteStore.Open(new() { Path = _folder.Path });
    }

    [Fact]
    public async Task TwoHostsOnOneFileLoseNoUpdateAndGiveNoETagTwice()
    {
        await using var first = SqliteStore.Open(new() { Path = _folder.Path, Shared = true });
        await using var second = SqliteStore.Open(new() { Path = _folder.Path, Shared = true });
        var etags = new ConcurrentBag<string>();
        await Task.WhenAll(new[] { first, second, first, second }.Select(store => Task.Run(() => IncrementAsync(store, etags))));
        Assert.Equal(4 * Increments, await CountAsync(first));
        Assert.Equal(4 * Increments, await CountAsync(second));
        Assert.Equal(etags.Count, etags.Distinct().Count());
    }

    [Fact]
    public async Task TwoProcessesOnOneFileLoseNoUpdate()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path, Shared = true });
        var child = ChildProcess.RunAsync(nameof(AsTheSecondProcessAsync), _folder.Path, "exec \"$@\"", Token);
        while (!child.IsCompleted && await CountAsync(store) == 0)
        {
            await Task.Yield();
        }

        await IncrementAsync(store, []);
        await child;
        Assert.Equal(2 * Increments, await CountAsync(store));
    }

    internal static async Task AsTheSecondProcessAsync(string folder)
    {
        await using var store = SqliteStore.Open(new() { Path = folder, Shared = true });
        await IncrementAsync(store, []);
    }

    private static async Task IncrementAsync(SqliteStore store, ConcurrentBag<string> etags)
    {
        for (var done = 0; done < Increments;)
        {
            var row = await store.Tables.ReadAsync(TableNames.Mail, "p", "n", Token);
            Dictionary<string, TableValue> next = new() { ["n"] = (row?.Number("n") ?? 0) + 1 };
            var commit = await store.Tables.CommitAsync(
                TableNames.Mail, "p", [row is null ? TableOperation.Insert("n", next) : TableOperation.Replace("n", next, row.ETag)], Token);
            if (commit.Committed)
            {
                etags.Add(commit.ETags[0]);
                done++;
            }
        }
    }

    private static async Task<long> CountAsync(SqliteStore store) =>
        (await store.Tables.ReadAsync(TableNames.Mail, "p", "n", Token))?.Number("n") ?? 0;
}
