using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>What a caller learns of a write when the network fails before, while or after it is carried out.</summary>
public sealed class LostReplyTests(AzuriteFixture azurite)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Shapes => ["insert", "upsert", "transaction"];

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task ACommitWhoseReplyIsLostIsUnknownThoughItWasCarriedOut(string shape)
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        foreach (var row in new[] { "first", "second" })
        {
            // The first goes over a connection just made, the second over one from the pool, which HTTP stacks like to repeat on.
            if (row == "second")
            {
                await stores.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Insert("between", Value)], Token);
            }

            var before = stores.Requests;
            stores.TableProxy.LoseReplies();
            await AssertFailsAsync(StoreFailure.Unknown, stores.Tables.CommitAsync(TableNames.Mail, "p", Operations(shape, row), Token));
            Assert.Equal(1, stores.Requests - before);
            Assert.NotNull(await stores.Tables.ReadAsync(TableNames.Mail, "p", row, Token));
        }

        Assert.Equal(2, stores.Meters.Sum(StoreMetrics.CommitsName, "outcome=unknown"));
        Assert.Equal(2, stores.TableProxy.LostReplies);
    }

    [Fact]
    public async Task ADeleteWhoseReplyIsLostIsUnknownAndNoConflictWithItself()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        await stores.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Insert("r", Value)], Token);
        stores.TableProxy.LoseReplies();
        await AssertFailsAsync(StoreFailure.Unknown, stores.Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Delete("r")], Token));
        Assert.Null(await stores.Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
    }

    [Fact]
    public async Task ACommitThatTakesTooLongIsUnknown()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server, requestTimeout: TimeSpan.FromSeconds(2));
        _ = stores.TableProxy.HoldReplies();
        await AssertFailsAsync(StoreFailure.Unknown, stores.Tables.CommitAsync(TableNames.Mail, "p", Operations("transaction", "r"), Token));
        stores.TableProxy.ReleaseReplies();
        Assert.NotNull(await stores.Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
    }

    [Fact]
    public async Task ACommitCancelledInFlightIsUnknown()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        using var cancelled = new CancellationTokenSource();
        var held = stores.TableProxy.HoldReplies();
        var commit = stores.Tables.CommitAsync(TableNames.Mail, "p", Operations("insert", "r"), cancelled.Token);
        await held;
        await cancelled.CancelAsync();
        await AssertFailsAsync(StoreFailure.Unknown, commit);
        stores.TableProxy.ReleaseReplies();
        Assert.NotNull(await stores.Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
    }

    [Fact]
    public async Task AServiceThatCannotBeReachedIsUnavailable()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        await stores.TableProxy.DisposeAsync();
        await AssertFailsAsync(StoreFailure.Unavailable, stores.Tables.CommitAsync(TableNames.Mail, "p", Operations("transaction", "r"), Token));
        await AssertFailsAsync(StoreFailure.Unavailable, stores.Tables.CommitAsync(TableNames.Mail, "p", Operations("insert", "r"), Token));
        await AssertFailsAsync(StoreFailure.Unavailable, stores.Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
        await AssertFailsAsync(StoreFailure.Unavailable, stores.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).CountAsync(Token));
    }

    [Fact]
    public async Task AReadWhoseReplyIsLostIsRepeated()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        await stores.Tables.CommitAsync(TableNames.Mail, "p", Operations("insert", "r"), Token);
        stores.TableProxy.LoseReplies();
        Assert.NotNull(await stores.Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
        stores.TableProxy.LoseReplies(2);
        Assert.Equal(1, await stores.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).CountAsync(Token));
        Assert.Equal(3, stores.TableProxy.LostReplies);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(AzureBlobStore.BlockBytes)]
    public async Task ABlobWhoseLastReplyIsLostIsRecognisedAsOnesOwn(int length)
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        stores.BlobProxy.LoseReplies();
        Assert.Equal(length, await stores.Blobs.WriteAsync("b/put", new MemoryStream(bytes), Token));

        // The content's end is read when all blocks but the commit are done.
        await using var content = new AtItsEnd(bytes, () => stores.BlobProxy.LoseReplies());
        Assert.Equal(length, await stores.Blobs.WriteAsync("b/commit", content, Token));
        Assert.Equal(2, stores.BlobProxy.LostReplies);
        foreach (var name in new[] { "b/put", "b/commit" })
        {
            await using var stream = await stores.Blobs.ReadAsync(name, 0, null, Token);
            using var copy = new MemoryStream();
            await stream!.CopyToAsync(copy, Token);
            Assert.True(copy.ToArray().AsSpan().SequenceEqual(bytes));
        }
    }

    [Fact]
    public async Task ABlobOfAnotherWriterIsNotTakenForOnesOwnWhenAReplyIsLost()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        await stores.Blobs.WriteAsync("b/1", new MemoryStream([1]), Token);
        stores.BlobProxy.LoseReplies();
        await AssertFailsAsync(StoreFailure.Refused, stores.Blobs.WriteAsync("b/1", new MemoryStream([2]), Token));
        await using var stream = await stores.Blobs.ReadAsync("b/1", 0, null, Token);
        Assert.Equal(1, stream!.ReadByte());
    }

    [Fact]
    public async Task ABlobWhoseRepliesAreAllLostIsUnknown()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        stores.BlobProxy.LoseReplies(100);
        await AssertFailsAsync(StoreFailure.Unknown, stores.Blobs.WriteAsync("b/1", new MemoryStream([1]), Token));
        stores.BlobProxy.LoseReplies(0);
        Assert.NotNull(await stores.Blobs.ReadAsync("b/1", 0, null, Token));
    }

    [Fact]
    public async Task AReadOfABlobGoesOnOverABrokenConnection()
    {
        await using var stores = await ProxiedStores.OpenAsync(azurite.Server);
        var bytes = new byte[8 * 1024 * 1024];
        Random.Shared.NextBytes(bytes);
        await stores.Blobs.WriteAsync("b/1", new MemoryStream(bytes), Token);
        await using var stream = await stores.Blobs.ReadAsync("b/1", 0, null, Token);
        using var copy = new MemoryStream();
        var buffer = new byte[64 * 1024];
        await stream!.ReadExactlyAsync(buffer, Token);
        copy.Write(buffer);
        stores.BlobProxy.LoseReplies();
        await stream.CopyToAsync(copy, Token);
        Assert.Equal(1, stores.BlobProxy.LostReplies);
        Assert.True(copy.ToArray().AsSpan().SequenceEqual(bytes));
    }

    private static Dictionary<string, TableValue> Value => new() { ["v"] = 1L };

    private static TableOperation[] Operations(string shape, string row) => shape switch
    {
        "insert" => [TableOperation.Insert(row, Value)],
        "upsert" => [TableOperation.Upsert(row, Value)],
        _ => [TableOperation.Insert(row, Value), TableOperation.Insert(row + ":2", Value)],
    };

    private static async Task AssertFailsAsync<T>(StoreFailure failure, ValueTask<T> call) => await AssertFailsAsync(failure, call.AsTask());

    private static async Task AssertFailsAsync(StoreFailure failure, Task call) =>
        Assert.Equal(failure, (await Assert.ThrowsAsync<StoreException>(() => call)).Failure);

    /// <summary>Content that does something when its end is read.</summary>
    private sealed class AtItsEnd(byte[] bytes, Action act) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position == Length)
            {
                act();
            }

            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
