using System.Net;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;

namespace MailGrains.Storage.Azure;

/// <summary>
/// Makes the SDK's clients of an account, all on one connection pool. Each service has two: one that sends once, for writes that must
/// not be repeated blindly, and one that repeats.
/// </summary>
internal sealed class AzureClients
{
    /// <summary>Repeats of a read: with the delays below about two seconds, less than a session waits.</summary>
    private const int Retries = 3;

    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    private readonly HttpPipelineTransport _transport;
    private readonly AzureStorageOptions _options;
    private readonly StoreMetrics _metrics;
    private readonly Func<TokenCredential> _credential;

    public AzureClients(AzureStorageOptions options, StoreMetrics metrics, Func<TokenCredential> credential)
    {
        _options = options;
        _metrics = metrics;
        _credential = credential;
        _transport = new HttpClientTransport(new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            // An account may move to other addresses; and a bound to sockets, beyond which requests wait.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            MaxConnectionsPerServer = options.MaxConnections,
        })
        {
            // The pipeline has its own.
            Timeout = Timeout.InfiniteTimeSpan,
        });
    }

    public AzureTableStore Tables(AzureAccountOptions account, string name, TimeProvider time) =>
        new(TableService(account, name, retries: 0), TableService(account, name, Retries), _metrics, time);

    public (BlobContainerClient Once, BlobContainerClient Repeating) Container(AzureAccountOptions account, string name) =>
        (BlobService(account, name, retries: 0).GetBlobContainerClient(_options.Container),
         BlobService(account, name, Retries).GetBlobContainerClient(_options.Container));

    private TableServiceClient TableService(AzureAccountOptions account, string name, int retries)
    {
        var options = Configure(new TableClientOptions(), retries, "table");
        return account.ConnectionString is { Length: > 0 } connection
            ? new TableServiceClient(connection, options)
            : new TableServiceClient(account.TableAddress(name), _credential(), options);
    }

    private BlobServiceClient BlobService(AzureAccountOptions account, string name, int retries)
    {
        var options = Configure(new BlobClientOptions(), retries, "blob");
        return account.ConnectionString is { Length: > 0 } connection
            ? new BlobServiceClient(connection, options)
            : new BlobServiceClient(account.BlobAddress(name), _credential(), options);
    }

    private T Configure<T>(T options, int retries, string service)
        where T : ClientOptions
    {
        options.Transport = _transport;
        options.Diagnostics.IsLoggingEnabled = false;
        options.Retry.MaxRetries = retries;
        options.Retry.Delay = Delay;
        options.Retry.MaxDelay = MaxDelay;
        options.Retry.NetworkTimeout = _options.RequestTimeout;
        options.AddPolicy(new SentPolicy(), HttpPipelinePosition.PerCall);
        options.AddPolicy(new CountPolicy(_metrics, service), HttpPipelinePosition.PerRetry);
        return options;
    }
}
