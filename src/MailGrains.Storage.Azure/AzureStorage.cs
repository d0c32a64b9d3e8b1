using System.Diagnostics.Metrics;
using Azure.Core;
using Azure.Identity;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Azure;

/// <summary>Opens the storage accounts of an installation.</summary>
public static class AzureStorage
{
    /// <summary>
    /// Makes what is not there yet (tables, containers, markers), checks every account's marker, and answers the accounts. Refusals and
    /// failures of the network are tried again until <see cref="AzureStorageOptions.StartTimeout"/>: a role that was just given takes minutes
    /// to reach the storage service.
    /// </summary>
    /// <param name="service">The name of the installation, one for its whole life (<c>MailGrains:Cluster:ServiceId</c>).</param>
    /// <exception cref="InvalidOperationException">The options name no account, or an account without an address.</exception>
    /// <exception cref="StorageMismatchException">An account belongs to another installation or stands at another number.</exception>
    /// <exception cref="StoreException">The accounts could not be reached in time.</exception>
    public static async Task<StorageAccounts> OpenAsync(
        AzureStorageOptions options, string service, IMeterFactory meters, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(service);
        var numbered = options.NumberedAccounts();
        var metrics = new StoreMetrics(meters.Create(StoreMetrics.MeterName), "azure");
        TokenCredential? credential = null;
        var clients = new AzureClients(options, metrics, () => credential ??= new DefaultAzureCredential());
        var cluster = clients.Tables(options.Cluster ?? numbered[0], "Cluster", time);
        var accounts = numbered.Select((account, number) => Account(clients, account, number, time)).ToList();

        return await new StartRetry(options.StartTimeout, logger, time).RunAsync(
            "Storage",
            async token =>
            {
                await ClaimAsync(accounts, cluster, service, token).ConfigureAwait(false);
                return new StorageAccounts(accounts, cluster);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static StorageAccount Account(AzureClients clients, AzureAccountOptions options, int number, TimeProvider time)
    {
        var (once, repeating) = clients.Container(options, $"Accounts:{number}");
        return new StorageAccount(
            number, clients.Tables(options, $"Accounts:{number}", time), new AzureBlobStore(once, repeating, time));
    }

    private static async Task ClaimAsync(
        List<StorageAccount> accounts, AzureTableStore cluster, string service, CancellationToken cancellationToken)
    {
        await cluster.CreateTableAsync(TableNames.Markers, cancellationToken).ConfigureAwait(false);
        var installation = await AccountMarker.ClaimClusterAsync(cluster, service, cancellationToken).ConfigureAwait(false);
        foreach (var account in accounts)
        {
            var tables = (AzureTableStore)account.Tables;
            await tables.CreateTableAsync(TableNames.Markers, cancellationToken).ConfigureAwait(false);
            await AccountMarker.ClaimAccountAsync(tables, account.Number, service, installation, cancellationToken).ConfigureAwait(false);
            await tables.CreateTableAsync(TableNames.Mail, cancellationToken).ConfigureAwait(false);
            await tables.CreateTableAsync(TableNames.Directory, cancellationToken).ConfigureAwait(false);
            await tables.CreateTableAsync(TableNames.Destinations, cancellationToken).ConfigureAwait(false);
            await ((AzureBlobStore)account.Blobs).CreateContainerAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
