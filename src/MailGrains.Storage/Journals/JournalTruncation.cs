using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>Commits a change of the header, with rows in the same transaction, in the order of the journal's calls.</summary>
internal delegate Task CommitHeader(Func<JournalHeader, JournalHeader> change, Action? whenCommitted, IReadOnlyList<TableOperation> rows);

/// <summary>
/// Removes journal rows from the oldest on. Each transaction removes at most 99 and moves the header's <see cref="JournalHeader.First"/> with
/// them, so that it is fenced like any commit and the rows that are left are always those from First to Sequence.
/// </summary>
internal static class JournalTruncation
{
    private const int MaxDeletes = TableLimits.MaxOperations - 1;

    /// <summary>Removes the rows up to <paramref name="through"/>, at most <paramref name="maxRows"/> of them.</summary>
    public static async Task RemoveRowsAsync(
        Func<JournalHeader> header, long through, long maxRows, CommitHeader commit, CancellationToken cancellationToken)
    {
        var end = Math.Min(Math.Min(through, header().Sequence), header().First + maxRows - 1);
        while (header().First is var first && first <= end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var last = Math.Min(end, first + MaxDeletes - 1);
            var deletes = new TableOperation[last - first + 1];
            for (var i = 0; i < deletes.Length; i++)
            {
                deletes[i] = TableOperation.Delete(JournalRows.Key(first + i));
            }

            await commit(h => h with { First = last + 1 }, null, deletes);
        }
    }
}
