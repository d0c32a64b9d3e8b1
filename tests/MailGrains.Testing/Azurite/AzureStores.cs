using System.Diagnostics.Metrics;
using MailGrains.Storage;
using MailGrains.Storage.Azure;
using MailGrains.Testing.Metrics;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Testing.Azurite;

/// <summary>Opens the Azure stores on Azurite, as the host does on Azure.</summary>
public static class AzureStores
{
    private const string Service = "mailgrains-tests";

    /// <summary>The stores of an installation on accounts of an Azurite, numbered in order; with none given, on one new account.</summary>
    public static Task<StorageAccounts> OpenStoresAsync(this AzuriteServer server, IMeterFactory? meters = null, params AzuriteAccount[] accounts) =>
        OpenAsync([.. (accounts is [] ? [server.NewAccount()] : accounts).Select(a => a.ConnectionString)], meters);

    public static Task<StorageAccounts> OpenAsync(
        IReadOnlyList<string> connectionStrings, IMeterFactory? meters = null, string service = Service, TimeSpan? startTimeout = null)
    {
        var options = new AzureStorageOptions
        {
            Accounts = [.. connectionStrings.Select(c => new AzureAccountOptions { ConnectionString = c })],
            StartTimeout = startTimeout ?? TimeSpan.FromSeconds(30),
        };
        return OpenAsync(options, meters, service);
    }

    public static Task<StorageAccounts> OpenAsync(AzureStorageOptions options, IMeterFactory? meters = null, string service = Service) =>
        AzureStorage.OpenAsync(
            options, service, meters ?? new UnmeasuredMeters(), NullLogger.Instance, TimeProvider.System, CancellationToken.None);
}
