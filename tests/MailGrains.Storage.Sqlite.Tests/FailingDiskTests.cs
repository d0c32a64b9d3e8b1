using MailGrains.Storage.Sqlite.Blobs;
using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Sqlite.Tables;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Programs;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>
/// Single system calls that fail: strace answers them in a child process, in place of the kernel. <c>when</c> counts the calls of one
/// thread; opening a store takes fewer than eight syncs, and all commits are the writer's.
/// </summary>
public sealed class FailingDiskTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task AfterAFailedSyncNothingIsCommittedUntilTheLogIsSettled() =>
        RunAsync(nameof(WithAFailedSyncOfTheLogAsync), "-P \"$FOLDER/data/mailgrains.db-wal\" -e inject=fsync:error=EIO:when=8..9");

    [Fact]
    public Task AUsedUpQuotaIsAFullDisk() =>
        RunAsync(nameof(WithAQuotaAsync), "-P \"$FOLDER/data/mailgrains.db-wal\" -e inject=pwrite64:error=EDQUOT:when=60..80");

    [Fact]
    public Task ACheckpointThatFailsIsCountedAsNotDone() =>
        RunAsync(nameof(WithFailedSyncsOfTheFileAsync), "-P \"$FOLDER/data/mailgrains.db\" -e inject=fsync:error=EIO:when=8+");

    [Fact]
    public Task ABlobThatCannotBeSyncedIsNotWritten() =>
        RunAsync(nameof(WithAFailedSyncOfABlobAsync), "-e inject=fsync:error=EDQUOT:when=1");

    [Fact]
    public Task ABlobWhoseNameCannotBeSyncedMayOrMayNotBeWritten() =>
        RunAsync(nameof(WithAFailedSyncOfAFolderAsync), "-P \"$FOLDER/data/blobs\" -e inject=fsync:error=EIO");

    [Fact]
    public Task BlobsAreWrittenOnceWithoutHardLinksToo() =>
        RunAsync(nameof(WithoutHardLinksAsync), "-e inject=?link,?linkat:error=EPERM");

    internal static async Task WithAFailedSyncOfTheLogAsync(string folder)
    {
        List<string> kept = [];
        await using (var store = Open(folder))
        {
            // A reader's connection stays open, or closing the writer's would empty the log.
            Assert.Empty(await KeysAsync(store));
            Assert.Equal(StoreFailure.Unknown, await CommitUntilItFailsAsync(store, kept));
            var log = new FileInfo(Path.Combine(folder, "data", "mailgrains.db-wal"));
            var length = log.Length;

            var unsettled = await Assert.ThrowsAsync<StoreException>(() => CommitAsync(store, "unsettled"));
            Assert.Equal(StoreFailure.Unavailable, unsettled.Failure);
            log.Refresh();
            Assert.Equal(length, log.Length);

            await CommitAsync(store, "settled");
            kept.Add("settled");
            log.Refresh();
            Assert.InRange(log.Length, 1, length - 1);
            Assert.Empty(kept.Except(await KeysAsync(store)));
        }

        await using var again = Open(folder);
        var found = await KeysAsync(again);
        Assert.Empty(kept.Except(found));
        Assert.DoesNotContain("unsettled", found);
    }

    internal static async Task WithAQuotaAsync(string folder)
    {
        List<string> kept = [];
        await using var store = Open(folder);
        Assert.Equal(StoreFailure.Full, await CommitUntilItFailsAsync(store, kept));
        Assert.Equal(kept, await KeysAsync(store));
    }

    internal static Task WithFailedSyncsOfTheFileAsync(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "data"));
        var database = new Database(Path.Combine(folder, "data", "mailgrains.db"), TimeSpan.FromSeconds(5));
        database.Open();
        var connection = new WriteConnection(database);
        var checkpoints = 0;
        do
        {
            Assert.InRange(checkpoints++, 0, 8);
            connection.Begin.Run();
            connection.TableId($"Table{checkpoints}");
            connection.Commit.Run();
        }
        while (connection.Checkpoint());

        Assert.Equal(StoreFailure.Unavailable, Assert.Throws<StoreException>(connection.Settle).Failure);
        connection.Close();
        return Task.CompletedTask;
    }

    internal static async Task WithAFailedSyncOfABlobAsync(string folder)
    {
        // This thread's first sync is that of the folder itself; then it is to be had, by this process too.
        var data = Path.Combine(folder, "data");
        Assert.Equal(StoreFailure.Unavailable, Assert.Throws<StoreException>(() => StoreFolder.Open(data, shared: false)).Failure);
        using var opened = StoreFolder.Open(data, shared: false);
        using var threads = new SyncThreads(1);
        var blobs = new BlobFolder(opened, threads);

        var failed = await Assert.ThrowsAsync<StoreException>(() => blobs.WriteAsync("b", new MemoryStream([1]), Token));
        Assert.Equal(StoreFailure.Full, failed.Failure);
        Assert.Null(await blobs.ReadAsync("b", 0, null, Token));
        Assert.Empty(Directory.GetFiles(opened.IncomingPath));
        Assert.Equal(1, await blobs.WriteAsync("b", new MemoryStream([1]), Token));
    }

    internal static async Task WithAFailedSyncOfAFolderAsync(string folder)
    {
        await using var store = Open(folder);
        var failed = await Assert.ThrowsAsync<StoreException>(() => store.Blobs.WriteAsync("b", new MemoryStream([1]), Token));
        Assert.Equal(StoreFailure.Unknown, failed.Failure);
        Assert.Empty(Directory.GetFiles(Path.Combine(store.Path, "incoming")));
    }

    internal static async Task WithoutHardLinksAsync(string folder)
    {
        await using var store = Open(folder);
        foreach (var name in (string[])["b", "tenant/day/b"])
        {
            Assert.Equal(3, await store.Blobs.WriteAsync(name, new MemoryStream([1, 2, 3]), Token));
            var taken = await Assert.ThrowsAsync<StoreException>(() => store.Blobs.WriteAsync(name, new MemoryStream([4]), Token));
            Assert.Equal(StoreFailure.Refused, taken.Failure);
            await using var read = (await store.Blobs.ReadAsync(name, 0, null, Token))!;
            Assert.Equal(3, read.Length);
        }

        var writers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            try
            {
                return await store.Blobs.WriteAsync("one", new MemoryStream([1]), Token);
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Refused)
            {
                return 0;
            }
        })));
        Assert.Equal(1, writers.Sum());
        Assert.Empty(Directory.GetFiles(Path.Combine(store.Path, "incoming")));
    }

    private static async Task RunAsync(string part, string faults)
    {
        var strace = DebianProgram.Require("strace", "strace");
        using var folder = new TemporaryFolder();
        await ChildProcess.RunAsync(
            part, folder.Path, $"exec '{strace}' -f -qq -o \"$FOLDER/trace\" -e trace=fsync,pwrite64,?link,?linkat {faults} \"$@\"", Token);
        Assert.Contains("(INJECTED)", await File.ReadAllTextAsync(Path.Combine(folder.Path, "trace"), Token), StringComparison.Ordinal);
    }

    private static SqliteStore Open(string folder) => SqliteStore.Open(new() { Path = Path.Combine(folder, "data") });

    /// <summary>Commits row after row; what the first failure was.</summary>
    private static async Task<StoreFailure> CommitUntilItFailsAsync(SqliteStore store, List<string> kept)
    {
        while (true)
        {
            var row = $"{kept.Count:D3}";
            Assert.InRange(kept.Count, 0, 50);
            try
            {
                await CommitAsync(store, row);
                kept.Add(row);
            }
            catch (StoreException e)
            {
                return e.Failure;
            }
        }
    }

    private static async Task CommitAsync(SqliteStore store, string row) => Assert.True((await store.Tables.CommitAsync(
        TableNames.Mail, "p", [TableOperation.Insert(row, new RowProperties("v", new byte[60_000]))], Token)).Committed);

    private static async Task<List<string>> KeysAsync(SqliteStore store) =>
        await store.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).Select(r => r.Row).ToListAsync(Token);
}
