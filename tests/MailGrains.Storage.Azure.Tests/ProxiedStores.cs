using MailGrains.Storage.Blobs;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Faults;
using MailGrains.Testing.Metrics;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>The stores of a new account, reached through proxies that tests make misbehave.</summary>
internal sealed class ProxiedStores : IAsyncDisposable
{
    private ProxiedStores(AzuriteServer server, TimeSpan? requestTimeout)
    {
        Account = server.NewAccount();
        TableProxy = new TcpProxy(() => server.TablePort);
        BlobProxy = new TcpProxy(() => server.BlobPort);
        var clients = new AzureClients(
            new AzureStorageOptions { RequestTimeout = requestTimeout ?? TimeSpan.FromSeconds(30) },
            new StoreMetrics(Meters.Create(new(StoreMetrics.MeterName)), "azure"),
            () => throw new InvalidOperationException());
        var options = new AzureAccountOptions { ConnectionString = Account.ConnectionStringOver(BlobProxy.Port, TableProxy.Port) };
        Tables = clients.Tables(options, "0", TimeProvider.System);
        var (once, repeating) = clients.Container(options, "0");
        Blobs = new AzureBlobStore(once, repeating, TimeProvider.System);
    }

    public AzuriteAccount Account { get; }

    public TcpProxy TableProxy { get; }

    public TcpProxy BlobProxy { get; }

    public MeasuredMeters Meters { get; } = new();

    public ITableStore Tables { get; }

    public IBlobStore Blobs { get; }

    public long Requests => Meters.Sum(StoreMetrics.RequestsName);

    public static async Task<ProxiedStores> OpenAsync(AzuriteServer server, TimeSpan? requestTimeout = null)
    {
        var stores = new ProxiedStores(server, requestTimeout);
        await ((AzureTableStore)stores.Tables).CreateTableAsync(TableNames.Mail, TestContext.Current.CancellationToken);
        await ((AzureBlobStore)stores.Blobs).CreateContainerAsync(TestContext.Current.CancellationToken);
        return stores;
    }

    public async ValueTask DisposeAsync()
    {
        await TableProxy.DisposeAsync();
        await BlobProxy.DisposeAsync();
        Meters.Dispose();
    }
}
