using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;
using Orleans.Messaging;
using Orleans.Runtime;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// The gateways that a client may connect to: the membership table's active silos with a proxy port. An outage is thrown, never an empty
/// list: the client keeps what it knew.
/// </summary>
internal sealed partial class TableStoreGatewayListProvider(
    ITableStore store, string clusterId, TimeSpan maxStaleness, ILogger logger) : IGatewayListProvider
{
    public TimeSpan MaxStaleness => maxStaleness;

    bool IGatewayListProvider.IsUpdatable => true;

    public Task InitializeGatewayListProviderAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public async Task<IList<Uri>> GetGatewaysAsync(CancellationToken cancellationToken = default)
    {
        var gateways = new List<Uri>();
        await foreach (var row in store.ReadRowsAsync(SiloRow.Table, clusterId, KeyRange.All, cancellationToken).ConfigureAwait(false))
        {
            if (SiloRow.IsSilo(row.Row) && TryGetGateway(row) is { } gateway)
            {
                gateways.Add(gateway);
            }
        }

        return gateways;
    }

    Task IGatewayListProvider.InitializeGatewayListProvider() => InitializeGatewayListProviderAsync();

    Task<IList<Uri>> IGatewayListProvider.GetGateways() => GetGatewaysAsync();

    private Uri? TryGetGateway(TableRow row)
    {
        try
        {
            var entry = SiloRow.Parse(row);
            return entry is { Status: SiloStatus.Active, ProxyPort: > 0 }
                ? SiloAddress.New(entry.SiloAddress.Endpoint.Address, entry.ProxyPort, entry.SiloAddress.Generation).ToGatewayUri()
                : null;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            LogUnreadableGateway(e, clusterId, row.Row);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The row {Row} of cluster {ClusterId} in the membership table is not readable; it names no gateway.")]
    private partial void LogUnreadableGateway(Exception exception, string clusterId, string row);
}
