using System.Diagnostics.Metrics;
using MailGrains.Storage;
using MailGrains.Storage.Azure;
using MailGrains.Testing.Metrics;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Testing.Azurite;

/// <summary>Opens the Azure stores on Azurite, as the host does on Azure.</summary>
public static class AzureStores
{
    /// <summary>The stores of an installation on accounts of an Azurite, numbered in order; with none given, on one new account.</summary>
    public static Task<StorageAccounts> OpenStoresAsync(this AzuriteServer server, IMeterFactory? meters = null, params AzuriteAccount[] accounts) =>
        OpenAsync([.. (accounts is [] ? [server.NewAccount()] : accounts).Select(a => a.ConnectionString)], meters);

    public static async Task<StorageAccounts> OpenAsync(
        IReadOnlyList<string> connectionStrings, IMeterFactory? meters = null, string service = "mailgrains-tests", TimeSpan? startTimeout = null)
    {
        var options = new AzureStorageOptions
        {
            Accounts = [.. connectionStrings.Select(c => new AzureAccountOptions { ConnectionString = c })],
            StartTimeout = startTimeout ?? TimeSpan.FromSeconds(30),
        };
        return await AzureStorage.OpenAsync(
            options, service, meters ?? new MeasuredMeters(), NullLogger.Instance, TimeProvider.System, CancellationToken.None);
    }
}
