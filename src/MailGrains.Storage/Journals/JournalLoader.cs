using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

/// <summary>What the store holds of an owner; of a deleted one only the header.</summary>
internal sealed record LoadedJournal<TState>(
    JournalHeader? Header, string? ETag, TState State, CommittedSegments Segments, int TailCommits, long TailBytes);

/// <summary>
/// Header (a point read), snapshot head (a blob), commits behind it (one range read). Another writer may commit, write a snapshot and
/// truncate meanwhile: a snapshot or row that is not there makes the loader start over, since the header then tells of newer ones. The
/// same header twice with the same gap is damage.
/// </summary>
internal static class JournalLoader
{
    private const int MaxAttempts = 8;

    /// <exception cref="StoreException">The store failed, or what it holds can't be read.</exception>
    public static async Task<LoadedJournal<TState>> LoadAsync<TState, TDraft>(
        ITableStore tables, SnapshotBlobs blobs, string partition, Func<TState> empty, ILogger logger, CancellationToken cancellationToken)
        where TState : class, IJournalState<TDraft>
        where TDraft : class, IJournalDraft
    {
        string? earlier = null;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var row = await tables.ReadAsync(TableNames.Mail, partition, JournalHeader.Row, cancellationToken);
            var header = row is null ? null : JournalHeader.Decode(row);
            var load = new LoadedJournal<TState>(header, row?.ETag, empty(), new CommittedSegments(blobs, partition), 0, 0);
            if (header is not { Status: JournalStatus.Live })
            {
                return load;
            }

            if (await ReadStateAsync<TState, TDraft>(load, tables, blobs, partition, cancellationToken) is { } loaded)
            {
                return loaded;
            }

            if (row!.ETag == earlier)
            {
                throw new StoreException(StoreFailure.Unreadable, $"The journal of '{partition}' has a gap before sequence {header.Sequence}.");
            }

            earlier = row.ETag;
            logger.LoadStartsOver(partition, attempt);
        }

        throw new StoreException(StoreFailure.Unavailable, $"'{partition}' kept changing while it was loaded.");
    }

    /// <summary>Null where the snapshot or a row that the header speaks of is not there.</summary>
    private static async Task<LoadedJournal<TState>?> ReadStateAsync<TState, TDraft>(
        LoadedJournal<TState> load, ITableStore tables, SnapshotBlobs blobs, string partition, CancellationToken cancellationToken)
        where TState : class, IJournalState<TDraft>
        where TDraft : class, IJournalDraft
    {
        var header = load.Header!;
        if (header.Snapshot is { } snapshot)
        {
            if (await blobs.ReadHeadAsync(snapshot, cancellationToken) is not { } head)
            {
                return null;
            }

            load.Segments.Head = head with { State = default };
            load.State.Restore(head.State, load.Segments);
        }

        var expected = (header.Snapshot?.Sequence ?? 0) + 1;
        var (commits, bytes) = (0, 0L);
        if (expected <= header.Sequence)
        {
            var tail = JournalRows.Range(expected, header.Sequence);
            await foreach (var row in tables.ReadRowsAsync(TableNames.Mail, partition, tail, cancellationToken))
            {
                if (JournalRows.Sequence(row) != expected)
                {
                    return null;
                }

                bytes += Apply<TState, TDraft>(load.State, row, expected++);
                commits++;
            }
        }

        return expected == header.Sequence + 1 ? load with { TailCommits = commits, TailBytes = bytes } : null;
    }

    private static int Apply<TState, TDraft>(TState state, TableRow row, long sequence)
        where TState : class, IJournalState<TDraft>
        where TDraft : class, IJournalDraft
    {
        var events = JournalRows.Decode(row, out _);
        state.Apply(sequence, events);
        return events.Length;
    }
}
