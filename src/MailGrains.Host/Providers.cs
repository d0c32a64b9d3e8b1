using System.Diagnostics.Metrics;
using MailGrains.Host.Configuration;
using MailGrains.Storage;
using MailGrains.Storage.Azure;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

namespace MailGrains.Host;

/// <summary>
/// The one place that chooses what keeps the state: the store of the mail, and Orleans' membership, reminders and grain states. The official
/// Orleans packages for Azure Storage use the same table layouts and would take the place of <see cref="UseProviders"/>.
/// </summary>
internal static class Providers
{
    /// <summary>Opens the store; disposing the second value closes it, after everything that uses it.</summary>
    /// <exception cref="StoreException">It can't be used.</exception>
    public static async Task<(StorageAccounts Accounts, IAsyncDisposable? Owner)> OpenStoreAsync(
        HostSettings settings, IConfiguration configuration, IMeterFactory meters, ILogger logger, CancellationToken cancellationToken)
    {
        if (settings.Storage.Provider == StorageProvider.Sqlite)
        {
            var store = SqliteStore.Open(
                new SqliteStoreOptions { Path = settings.Storage.Path, Shared = settings.Storage.Shared }, TimeProvider.System, meters);
            if (!settings.Storage.Shared)
            {
                // Nobody else can have the store open, so whatever silo stands in it is gone: waiting until it is declared dead would be for nothing.
                await store.Accounts.ForgetSilosAsync(settings.Cluster.ClusterId, cancellationToken);
            }

            return (store.Accounts, store);
        }

        var options = configuration.GetSection(AzureStorageOptions.Section).Get<AzureStorageOptions>() ?? new AzureStorageOptions();
        var accounts = await AzureStorage.OpenAsync(
            options, settings.Cluster.ServiceId, meters, logger, TimeProvider.System, cancellationToken);
        return (accounts, null);
    }

    public static ISiloBuilder UseProviders(this ISiloBuilder silo) => silo
        .UseTableStoreClustering()
        .UseTableStoreReminders()
        .AddTableStoreGrainStorage("Default");
}
