using System.Globalization;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Azure;

/// <summary>
/// The rows that tie accounts to one installation, so that a swapped or borrowed connection string is seen before anything is read or
/// written by it. Layout, in <see cref="TableNames.Markers"/>:
/// <code>
/// marker / cluster    in the cluster's account: format, service (its name), installation (a random id, made once)
/// marker / account    in each account of mail:  format, service, installation, number
/// </code>
/// A marker is inserted where there is none, and never changed after.
/// </summary>
internal static class AccountMarker
{
    private const string Partition = "marker";
    private const string ClusterRow = "cluster";
    private const string AccountRow = "account";
    private const long Format = 1;

    /// <summary>Marks or checks the cluster's account; the answer is the installation's id.</summary>
    public static async Task<string> ClaimClusterAsync(ITableStore tables, string service, CancellationToken cancellationToken)
    {
        var row = await ReadOrInsertAsync(tables, ClusterRow, new() { ["format"] = Format, ["service"] = service, ["installation"] = Guid.NewGuid().ToString("N") }, cancellationToken).ConfigureAwait(false);
        if (row.Text("service") != service)
        {
            throw Mismatch($"the cluster's storage account belongs to the service '{row.Text("service")}', and this is '{service}'");
        }

        return row.Text("installation") ?? throw Mismatch("the marker of the cluster's storage account is damaged");
    }

    /// <summary>Marks or checks the account of a number.</summary>
    public static async Task ClaimAccountAsync(
        ITableStore tables, int number, string service, string installation, CancellationToken cancellationToken)
    {
        Dictionary<string, TableValue> mark = new()
        {
            ["format"] = Format,
            ["service"] = service,
            ["installation"] = installation,
            ["number"] = (long)number,
        };
        var row = await ReadOrInsertAsync(tables, AccountRow, mark, cancellationToken).ConfigureAwait(false);
        if (row.Text("installation") != installation)
        {
            throw Mismatch($"the storage account configured as number {number} belongs to another installation " +
                $"(service '{row.Text("service")}'), or the cluster's account is not the one that it was set up with");
        }

        if (row.Number("number") != number)
        {
            throw Mismatch($"the storage account configured as number {number} is account number " +
                (row.Number("number")?.ToString(CultureInfo.InvariantCulture) ?? "(none)") +
                " of this installation: accounts keep their places in MailGrains:Storage:Accounts");
        }
    }

    private static async Task<TableRow> ReadOrInsertAsync(
        ITableStore tables, string row, Dictionary<string, TableValue> mark, CancellationToken cancellationToken)
    {
        if (await tables.ReadAsync(TableNames.Markers, Partition, row, cancellationToken).ConfigureAwait(false) is not { } found)
        {
            // A conflict is another silo that starts at the same time; its marker is what counts then.
            await tables.CommitAsync(TableNames.Markers, Partition, [TableOperation.Insert(row, mark)], cancellationToken).ConfigureAwait(false);
            found = await tables.ReadAsync(TableNames.Markers, Partition, row, cancellationToken).ConfigureAwait(false)
                ?? throw new StoreException(StoreFailure.Unavailable, "The marker of a storage account can't be read back.");
        }

        return found.Number("format") is <= Format ? found : throw new StoreException(
            StoreFailure.Unreadable, "The marker of a storage account has a newer format than this release reads.");
    }

    private static StorageMismatchException Mismatch(string what) => new("Storage refused: " + what + ". Nothing was changed.");
}

/// <summary>The configured accounts are not the ones that hold this installation's data; no time will mend that.</summary>
public sealed class StorageMismatchException(string message) : Exception(message);
