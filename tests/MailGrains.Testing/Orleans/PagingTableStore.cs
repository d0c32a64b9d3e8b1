using System.Runtime.CompilerServices;
using MailGrains.Storage.Tables;

namespace MailGrains.Testing.Orleans;

/// <summary>
/// A store whose reads of a partition come in two requests, as Azure's do above 1,000 rows, and which lets a test do something between
/// the two.
/// </summary>
public sealed class PagingTableStore(ITableStore inner, int firstPage, Func<Task> betweenPages) : ITableStore
{
    public ValueTask<TableRow?> ReadAsync(string table, string partition, string row, CancellationToken cancellationToken) =>
        inner.ReadAsync(table, partition, row, cancellationToken);

    public async IAsyncEnumerable<TableRow> ReadRowsAsync(
        string table, string partition, KeyRange rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var page = new List<TableRow>();
        await foreach (var row in inner.ReadRowsAsync(table, partition, rows, cancellationToken))
        {
            page.Add(row);
            if (page.Count == firstPage)
            {
                break;
            }
        }

        foreach (var row in page)
        {
            yield return row;
        }

        await betweenPages();
        var rest = rows with { Lower = page[^1].Row, LowerInclusive = false };
        await foreach (var row in inner.ReadRowsAsync(table, partition, rest, cancellationToken))
        {
            yield return row;
        }
    }

    public IAsyncEnumerable<TableRow> ReadPartitionsAsync(string table, KeyRange partitions, CancellationToken cancellationToken) =>
        inner.ReadPartitionsAsync(table, partitions, cancellationToken);

    public ValueTask<TableCommit> CommitAsync(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken) =>
        inner.CommitAsync(table, partition, operations, cancellationToken);
}
