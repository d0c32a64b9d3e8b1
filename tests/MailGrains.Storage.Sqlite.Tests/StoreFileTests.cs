using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Tables;
using Microsoft.Data.Sqlite;

namespace MailGrains.Storage.Sqlite.Tests;

public sealed class StoreFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "mailgrains.db");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WhatWasCommittedIsThereAfterReopeningAndETagsGoOn()
    {
        HashSet<string> etags = [];
        for (var i = 0; i < 3; i++)
        {
            await using var store = SqliteStore.Open(new() { Path = _folder.Path });
            Assert.Equal(i, (await store.Tables.ReadAsync(TableNames.Mail, "p", "r", Token))?.Number("n") ?? 0);
            Dictionary<string, TableValue> next = new() { ["n"] = i + 1L };
            var commit = await store.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Upsert("r", next)], Token);
            Assert.True(etags.Add(commit.ETags[0]));
            await store.Blobs.WriteAsync($"blob{i}", new MemoryStream([1]), Token);
            Assert.Equal(i + 1, await store.Blobs.ListAsync("", Token).CountAsync(Token));
        }

        Assert.False(System.IO.File.Exists(File + "-wal"), "closing moves the WAL into the file");
    }

    [Fact]
    public void AFileOfANewerFormatIsRefusedAndStaysAsItIs()
    {
        SqliteStore.Open(new() { Path = _folder.Path }).Dispose();
        Run("PRAGMA user_version=7");
        var before = System.IO.File.ReadAllBytes(File);

        var refusal = Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = _folder.Path }));
        Assert.Equal(StoreFailure.Unreadable, refusal.Failure);
        Assert.Contains("has format 7", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("reads and writes format 1", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));

        Run("PRAGMA user_version=1");
        SqliteStore.Open(new() { Path = _folder.Path }).Dispose();
    }

    [Fact]
    public void AFileOfAnotherProgramIsRefusedAndStaysAsItIs()
    {
        Run("CREATE TABLE other(a)");
        var before = System.IO.File.ReadAllBytes(File);
        var refusal = Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = _folder.Path }));
        Assert.Equal(StoreFailure.Unreadable, refusal.Failure);
        Assert.Contains("another program", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));

        System.IO.File.WriteAllText(File, new string('x', 100_000));
        Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = _folder.Path })).Failure);
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsRefused()
    {
        System.IO.File.WriteAllText(File, "");
        var refusal = Assert.Throws<StoreException>(() => SqliteStore.Open(new() { Path = Path.Combine(File, "data") }));
        Assert.Equal(StoreFailure.Unavailable, refusal.Failure);
        Assert.Contains("can't be used", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatIsSpoiledBehindTheStoresBackIsUnreadableToReadsAndCommits()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path });
        System.IO.File.WriteAllText(File, new string('x', 100_000));
        Func<Task>[] calls =
        [
            () => store.Tables.ReadAsync(TableNames.Mail, "p", "r", Token).AsTask(),
            () => store.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Delete("r")], Token).AsTask(),
        ];
        foreach (var call in calls)
        {
            Assert.Equal(StoreFailure.Unreadable, (await Assert.ThrowsAsync<StoreException>(call)).Failure);
        }
    }

    [Fact]
    public void AStatementOfAConnectionsOwnFailsAsTheStoreDoes()
    {
        SqliteStore.Open(new() { Path = _folder.Path }).Dispose();
        using var locked = _folder.LockDatabase();
        using var connection = new Database(File, TimeSpan.FromMilliseconds(1)).Connect();
        Assert.Equal(StoreFailure.Unavailable, Assert.Throws<StoreException>(() => Database.Execute(connection, "BEGIN IMMEDIATE")).Failure);
    }

    [Fact]
    public void AFileThatCannotHaveAWriteAheadLogIsNotUsed()
    {
        var refusal = Assert.Throws<StoreException>(() => new Database(":memory:", TimeSpan.Zero).Open());
        Assert.Equal(StoreFailure.Unavailable, refusal.Failure);
        Assert.Contains("write-ahead log", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreThatIsClosedRefusesEverything()
    {
        var store = SqliteStore.Open(new() { Path = _folder.Path });
        store.Dispose();
        store.Dispose();
        Func<Task>[] calls =
        [
            () => store.Tables.ReadAsync(TableNames.Mail, "p", "r", Token).AsTask(),
            () => store.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).CountAsync(Token).AsTask(),
            () => store.Tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.All, Token).CountAsync(Token).AsTask(),
            () => store.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Delete("r")], Token).AsTask(),
            () => store.Blobs.WriteAsync("b", new MemoryStream([1]), Token),
            () => store.Blobs.ReadAsync("b", 0, null, Token),
            () => store.Blobs.DeleteAsync("b", Token),
            () => store.Blobs.ListAsync("", Token).CountAsync(Token).AsTask(),
        ];
        foreach (var call in calls)
        {
            Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(call)).Failure);
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(_folder.Path, "incoming")));
    }

    [Fact]
    public async Task CommitsThatWaitWhenTheStoreClosesAreWritten()
    {
        var store = SqliteStore.Open(new() { Path = _folder.Path });
        var commits = Enumerable.Range(0, 500).Select(i => store.Tables.CommitAsync(
            TableNames.Mail, "p", [TableOperation.Insert($"{i:D3}", new Dictionary<string, TableValue>())], Token).AsTask()).ToList();
        store.Dispose();
        Assert.All(await Task.WhenAll(commits), c => Assert.True(c.Committed));
        await using var again = SqliteStore.Open(new() { Path = _folder.Path });
        Assert.Equal(500, await again.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).CountAsync(Token));
    }

    [Fact]
    public async Task KeysOutsideAsciiKeepTheOrderOfDotNetStrings()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path });
        string[] keys = ["a", "é", "ÿ", "߿", "ࠀ", "\uD7FF", "😀", "𝄞", "\uE000", "\uFFFD", "\uFFFF", "z"];
        await store.Tables.CommitAsync(
            TableNames.Mail, "p", [.. keys.Select(k => TableOperation.Insert(k, new Dictionary<string, TableValue>()))], Token);
        foreach (var range in (KeyRange[])[KeyRange.All, KeyRange.After("é"), KeyRange.Between("ÿ", "\uE000"), KeyRange.Prefix("😀")])
        {
            Assert.Equal(
                keys.Where(range.Contains).Order(StringComparer.Ordinal),
                await store.Tables.ReadRowsAsync(TableNames.Mail, "p", range, Token).Select(r => r.Row).ToListAsync(Token));
        }
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
