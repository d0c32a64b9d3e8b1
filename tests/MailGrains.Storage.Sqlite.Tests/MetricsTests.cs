using MailGrains.Storage.Tables;
using MailGrains.Testing.Metrics;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>What the store counts of transactions, under the names that every store uses.</summary>
public sealed class MetricsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MeasuredMeters _meters = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _meters.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task TransactionsAreCountedByOutcome()
    {
        await using var store = Open();
        await InsertAsync(store, "a");
        await InsertAsync(store, "b");
        await InsertAsync(store, "a");

        Assert.Equal(2, Commits("committed"));
        Assert.Equal(1, Commits("conflict"));
    }

    [Fact]
    public async Task WhatNeverComesToTheWriterIsCountedAndAGroupOnlyWhenItWasSynced()
    {
        await using var store = Open(TimeSpan.FromMilliseconds(1));
        await Assert.ThrowsAsync<StoreException>(() => InsertAsync(store, "not/a/key"));
        Assert.Equal(1, Commits("refused"));
        using (_folder.LockDatabase())
        {
            await Assert.ThrowsAsync<StoreException>(() => InsertAsync(store, "a"));
        }

        Assert.Equal(1, Commits("unavailable"));
        Assert.Equal(0, _meters.Sum(StoreMetrics.GroupsName));
        store.Dispose();
        await Assert.ThrowsAsync<StoreException>(() => InsertAsync(store, "a"));
        Assert.Equal(2, Commits("unavailable"));
    }

    [Fact]
    public async Task TransactionsThatWaitTogetherShareAGroup()
    {
        await using var store = Open();
        await InsertAsync(store, "first");
        var before = _meters.Sum(StoreMetrics.GroupsName, "store=sqlite");
        List<Task<TableCommit>> waiting;
        using (_folder.LockDatabase())
        {
            waiting = [.. Enumerable.Range(0, 100).Select(i => InsertAsync(store, $"{i}"))];
        }

        await Task.WhenAll(waiting);

        // The writer had taken the first few when the file was locked; all others were one group.
        Assert.Equal(101, Commits("committed"));
        Assert.InRange(_meters.Sum(StoreMetrics.GroupsName, "store=sqlite") - before, 1, 2);
    }

    private long Commits(string outcome) => _meters.Sum(StoreMetrics.CommitsName, "store=sqlite", $"outcome={outcome}");

    private SqliteStore Open(TimeSpan? busyTimeout = null) => SqliteStore.Open(
        new() { Path = _folder.Path, BusyTimeout = busyTimeout ?? TimeSpan.FromMinutes(5) }, TimeProvider.System, _meters);

    private static Task<TableCommit> InsertAsync(SqliteStore store, string row) => store.Tables
        .CommitAsync(TableNames.Mail, "p", [TableOperation.Insert(row, new Dictionary<string, TableValue>())], Token).AsTask();
}
