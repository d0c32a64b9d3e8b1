using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>A disk without room, and one that fails in the midst of a commit: real ones, in a child process.</summary>
public sealed class FullDiskTests
{
    private static readonly byte[] Bytes60K = new byte[60_000];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFullDiskRefusesWritesKeepsTheOldAndGoesOnWhenThereIsRoomAgain()
    {
        const string Mount = "mount -t tmpfs -o size=28m tmpfs \"$FOLDER\"";
        using var folder = new TemporaryFolder();
        string[] ways = ["unshare --user --map-root-user --mount", "unshare --mount"];
        foreach (var way in ways)
        {
            if (await ChildProcess.CanAsync($"{way} sh -c '{Mount}'", folder.Path, Token))
            {
                await ChildProcess.RunAsync(
                    nameof(OnASmallDiskAsync), folder.Path, $"{way} sh -c '{Mount} && exec \"$@\"' sh \"$@\"", Token);
                return;
            }
        }

        Assert.Skip("Mount namespaces are not to be had here, so there is no small disk to fill.");
    }

    [Fact]
    public async Task ADiskThatFailsInACommitLeavesTheOutcomeOpenAndTheNextCommitsGoOn()
    {
        // The limit makes a write fail with EFBIG, which SQLite takes as an I/O error. (The runtime's own large file is switched off.)
        using var folder = new TemporaryFolder();
        await ChildProcess.RunAsync(
            nameof(WithSmallFilesAsync), folder.Path,
            "trap '' XFSZ; DOTNET_EnableWriteXorExecute=0 exec prlimit --fsize=6291456:unlimited \"$@\"", Token);
    }

    internal static async Task OnASmallDiskAsync(string folder)
    {
        var ballast = Path.Combine(folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[20 * 1024 * 1024], Token);
        var options = new SqliteStoreOptions { Path = Path.Combine(folder, "data") };
        List<string> kept = [];
        await using (var store = SqliteStore.Open(options))
        {
            var failures = await FillAsync(store, kept);
            Assert.InRange(kept.Count, 10, 200);
            Assert.All(failures, f => Assert.Equal(StoreFailure.Full, f));
            var blob = await Assert.ThrowsAsync<StoreException>(() => store.Blobs.WriteAsync("b", new MemoryStream(new byte[9 << 20]), Token));
            Assert.Equal(StoreFailure.Full, blob.Failure);
            Assert.Empty(Directory.GetFiles(Path.Combine(options.Path, "incoming")));
            Assert.Equal(kept.Order(StringComparer.Ordinal), await KeysAsync(store));

            File.Delete(ballast);
            await CommitAsync(store, "room", kept);
            Assert.Equal(1 << 20, await store.Blobs.WriteAsync("b", new MemoryStream(new byte[1 << 20]), Token));
            Assert.Equal(kept.Order(StringComparer.Ordinal), await KeysAsync(store));
        }

        await using (var again = SqliteStore.Open(options))
        {
            Assert.Equal(kept.Order(StringComparer.Ordinal), await KeysAsync(again));
        }
    }

    internal static async Task WithSmallFilesAsync(string folder)
    {
        var options = new SqliteStoreOptions { Path = Path.Combine(folder, "data") };
        List<string> kept = [];
        await using (var store = SqliteStore.Open(options))
        {
            var failures = await FillAsync(store, kept);
            Assert.InRange(kept.Count, 10, 200);

            // The outcome is open where the commit failed; where what had been written could not be settled first, nothing was written.
            Assert.Contains(StoreFailure.Unknown, failures);
            Assert.All(failures, f => Assert.True(f is StoreFailure.Unknown or StoreFailure.Unavailable, $"{f}"));
            Assert.Empty(kept.Except(await KeysAsync(store)));

            Assert.True(await ChildProcess.CanAsync($"prlimit --pid {Environment.ProcessId} --fsize=unlimited:unlimited", options.Path, Token));
            await CommitAsync(store, "after", kept);
            Assert.Empty(kept.Except(await KeysAsync(store)));
        }

        await using (var again = SqliteStore.Open(options))
        {
            Assert.Empty(kept.Except(await KeysAsync(again)));
        }
    }

    /// <summary>Four callers at once write rows until the disk has refused each of them three times.</summary>
    private static async Task<List<StoreFailure>> FillAsync(SqliteStore store, List<string> kept)
    {
        List<StoreFailure> failures = [];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            for (var (i, refused) = (0, 0); refused < 3; i++)
            {
                try
                {
                    await CommitAsync(store, $"{caller}:{i:D4}", kept);
                }
                catch (StoreException e)
                {
                    refused++;
                    lock (failures)
                    {
                        failures.Add(e.Failure);
                    }
                }
            }
        })));
        return failures;
    }

    private static async Task CommitAsync(SqliteStore store, string row, List<string> kept)
    {
        Dictionary<string, TableValue> properties = new() { ["v"] = Bytes60K };
        Assert.True((await store.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Insert(row, properties)], Token)).Committed);
        lock (kept)
        {
            kept.Add(row);
        }
    }

    private static async Task<List<string>> KeysAsync(SqliteStore store) =>
        await store.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).Select(r => r.Row).ToListAsync(Token);
}
