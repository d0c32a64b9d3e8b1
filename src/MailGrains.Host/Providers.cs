using System.Diagnostics.Metrics;
using MailGrains.Host.Configuration;
using MailGrains.Storage;
using MailGrains.Storage.Azure;
using MailGrains.Storage.Azure.Vault;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Secrets;
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

    /// <summary>
    /// Where <c>MailGrains:Vault:Uri</c> names a vault, its secrets become settings, above those of all other sources. The official provider would take this
    /// place: <c>configuration.AddAzureKeyVault(vault.Uri, credential)</c>.
    /// </summary>
    /// <returns>The vault; null where none is configured.</returns>
    /// <exception cref="StoreException">It could not be read in time.</exception>
    public static async Task<VaultOptions?> AddVaultSettingsAsync(IConfigurationManager configuration, ILogger logger, CancellationToken cancellationToken)
    {
        var vault = ReadVault(new SettingsReader(configuration));
        if (vault is not null)
        {
            configuration.AddInMemoryCollection(await VaultSettings.ReadAsync(vault, logger, TimeProvider.System, cancellationToken));
        }

        return vault;
    }

    /// <summary>What seals secrets in the store: by a key of the vault, or nothing where there is none.</summary>
    /// <exception cref="StoreException">The store or the vault can't be used.</exception>
    public static async Task<SecretSeal> OpenSealAsync(StorageAccounts accounts, VaultOptions? vault, ILogger logger, CancellationToken cancellationToken) =>
        vault is null
            ? SecretSeal.None
            : await SecretSeal.OpenAsync(accounts, new VaultKey(vault, logger, TimeProvider.System).Wrapping, cancellationToken, vault.TakesPlain, logger);

    public static ISiloBuilder UseProviders(this ISiloBuilder silo) => silo
        .UseTableStoreClustering()
        .UseTableStoreReminders()
        .AddTableStoreGrainStorage("Default");

    /// <summary><c>MailGrains:Vault</c>; null where no vault is named.</summary>
    /// <exception cref="SettingsException">A value can't be used.</exception>
    internal static VaultOptions? ReadVault(SettingsReader settings)
    {
        var takesPlain = settings.Flag("Vault:TakesPlain", absent: true);
        if (settings.Text("Vault:Uri") is not { } address)
        {
            return takesPlain
                ? null
                : throw SettingsReader.Wrong("Vault:TakesPlain", "false", "true where no vault is named (MailGrains:Vault:Uri): nothing is sealed without one");
        }

        // A vault's service is told by its host's name, so an address alone would not do.
        var uri = Uri.TryCreate(address, UriKind.Absolute, out var given) && given is { Scheme: "https", HostNameType: UriHostNameType.Dns } && given.Host.Contains('.')
            ? given
            : throw SettingsReader.Wrong("Vault:Uri", address, "an address such as https://mail-1.vault.azure.net/");
        var vault = new VaultOptions { Uri = uri, TakesPlain = takesPlain };
        return settings.Text("Vault:DataKey") is { } key ? vault with { DataKey = key } : vault;
    }
}
