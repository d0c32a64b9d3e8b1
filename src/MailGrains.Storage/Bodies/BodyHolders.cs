using MailGrains.Contracts.Delivery;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// The holder rows of bodies' blobs: partition <c>blobref:{encoded blob name}</c> in the blob's account, row <c>{holder key}</c> with
/// <c>f</c> format 1 and <c>t</c> the time when it was written last (Unix ms).
/// </summary>
internal static class BodyHolders
{
    private const long Format = 1;

    public static async Task WriteAsync(
        StorageAccount account, string blobName, IReadOnlyCollection<BodyHolder> holders, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var partition = BodyName.PartitionOf(blobName);
        var properties = new RowProperties([new("f", Format), new("t", now.ToUnixTimeMilliseconds())]);
        foreach (var some in holders.Distinct().Chunk(TableLimits.MaxOperations))
        {
            await account.Tables.CommitAsync(
                TableNames.Mail, partition, [.. some.Select(h => TableOperation.Upsert(h.Key, properties))], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Removes a row; one that is not there, or not in that version, stays as it is.</summary>
    public static async Task<bool> RemoveAsync(
        StorageAccount account, string blobName, string holderKey, string etag, CancellationToken cancellationToken)
    {
        var commit = await account.Tables.CommitAsync(
            TableNames.Mail, BodyName.PartitionOf(blobName), [TableOperation.Delete(holderKey, etag)], cancellationToken).ConfigureAwait(false);
        return commit.Committed;
    }

    /// <summary>Removes all rows of a blob that nobody holds or will hold.</summary>
    public static async Task RemoveAllAsync(StorageAccount account, string blobName, CancellationToken cancellationToken)
    {
        var rows = new List<TableOperation>();
        await foreach (var row in ReadAsync(account, blobName, cancellationToken).ConfigureAwait(false))
        {
            rows.Add(TableOperation.Delete(row.Row));
        }

        foreach (var some in rows.Chunk(TableLimits.MaxOperations))
        {
            await account.Tables.CommitAsync(TableNames.Mail, BodyName.PartitionOf(blobName), some, cancellationToken).ConfigureAwait(false);
        }
    }

    private static IAsyncEnumerable<TableRow> ReadAsync(StorageAccount account, string blobName, CancellationToken cancellationToken) =>
        account.Tables.ReadRowsAsync(TableNames.Mail, BodyName.PartitionOf(blobName), KeyRange.All, cancellationToken);

    public static async Task<bool> AnyAsync(StorageAccount account, string blobName, CancellationToken cancellationToken)
    {
        await foreach (var _ in ReadAsync(account, blobName, cancellationToken).ConfigureAwait(false))
        {
            return true;
        }

        return false;
    }

    /// <summary>When the row was written last.</summary>
    public static DateTimeOffset WrittenAt(TableRow row) => row.Number("f") == Format && row.Number("t") is { } written
        ? DateTimeOffset.FromUnixTimeMilliseconds(written)
        : throw new StoreException(StoreFailure.Unreadable, $"Row '{row.Row}' of '{row.Partition}' is damaged or of a newer format.");
}
