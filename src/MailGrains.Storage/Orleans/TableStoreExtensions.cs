using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Orleans;

internal static class TableStoreExtensions
{
    /// <summary>
    /// Deletes those of <paramref name="rows"/> that still have the ETag they were read with. A row that changed or went meanwhile
    /// stays as it is and keeps none of the others from going.
    /// </summary>
    public static async Task DeleteUnchangedAsync(
        this ITableStore store, string table, string partition, IEnumerable<TableRow> rows, CancellationToken cancellationToken)
    {
        foreach (var batch in rows.Chunk(TableLimits.MaxOperations))
        {
            TableOperation[] deletes = [.. batch.Select(row => TableOperation.Delete(row.Row, row.ETag))];
            var commit = await store.CommitAsync(table, partition, deletes, cancellationToken).ConfigureAwait(false);
            if (commit.Committed)
            {
                continue;
            }

            foreach (var delete in deletes)
            {
                await store.CommitAsync(table, partition, [delete], cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The rows as a list; for ranges whose size the cluster bounds.</summary>
    public static async Task<List<TableRow>> ReadAllAsync(this IAsyncEnumerable<TableRow> rows, CancellationToken cancellationToken)
    {
        var all = new List<TableRow>();
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            all.Add(row);
        }

        return all;
    }
}
