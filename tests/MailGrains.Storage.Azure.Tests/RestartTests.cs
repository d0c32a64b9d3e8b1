using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>A service that goes away and comes back.</summary>
public sealed class RestartTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStoreGoesOnWhenItsServiceIsBackAndAStartWaitsForIt()
    {
        await using var server = await AzuriteServer.StartAsync(Token);
        var account = server.NewAccount();
        var store = (await server.OpenStoresAsync(null, account)).Directory;
        await CommitAsync(store, "before");
        await store.Blobs.WriteAsync("b/before", new MemoryStream([1, 2, 3]), Token);

        await server.StopAsync();
        var failure = await Assert.ThrowsAsync<StoreException>(() => CommitAsync(store, "while"));
        Assert.True(failure.Failure is StoreFailure.Unavailable or StoreFailure.Unknown);
        failure = await Assert.ThrowsAsync<StoreException>(() => store.Tables.ReadAsync(TableNames.Mail, "p", "before", Token).AsTask());
        Assert.Equal(StoreFailure.Unavailable, failure.Failure);
        failure = await Assert.ThrowsAsync<StoreException>(() => store.Blobs.WriteAsync("b/while", new MemoryStream([1]), Token));
        Assert.True(failure.Failure is StoreFailure.Unavailable or StoreFailure.Unknown);
        failure = await Assert.ThrowsAsync<StoreException>(() => store.Blobs.ReadAsync("b/before", 0, null, Token));
        Assert.Equal(StoreFailure.Unavailable, failure.Failure);
        var opening = AzureStores.OpenAsync([account.ConnectionString], startTimeout: TimeSpan.FromMinutes(2));

        await server.StartAgainAsync(Token);
        await CommitAsync(store, "after");
        var rows = await store.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).Select(r => r.Row).ToListAsync(Token);
        Assert.Contains("before", rows);
        Assert.Contains("after", rows);
        var opened = (await opening).Directory;
        await using var blob = await opened.Blobs.ReadAsync("b/before", 0, null, Token);
        Assert.Equal(1, blob!.ReadByte());
        Assert.NotNull(await opened.Tables.ReadAsync(TableNames.Mail, "p", "after", Token));
    }

    private static async Task CommitAsync(StorageAccount account, string row) => Assert.True((await account.Tables.CommitAsync(
        TableNames.Mail, "p", [TableOperation.Upsert(row, new Dictionary<string, TableValue> { ["v"] = 1L })], Token)).Committed);
}
