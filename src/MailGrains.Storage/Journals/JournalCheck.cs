using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The consistency checker of one owner's partition: it reads what is stored, raw, and says what does not fit. For the end of every test
/// that touched a journal, and for operators. The owner must not be writing meanwhile.
/// </summary>
public static class JournalCheck
{
    /// <summary>What is wrong with the journal of <paramref name="partition"/>; empty when all is well.</summary>
    /// <exception cref="StoreException">The store could not be read.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(StorageAccount account, string partition, CancellationToken cancellationToken)
    {
        var findings = new List<string>();
        var row = await account.Tables.ReadAsync(TableNames.Mail, partition, JournalHeader.Row, cancellationToken).ConfigureAwait(false);
        JournalHeader? header = null;
        try
        {
            header = row is null ? null : JournalHeader.Decode(row);
        }
        catch (StoreException e)
        {
            findings.Add(e.Message);
            return findings;
        }

        if (header is { Status: JournalStatus.Live, Snapshot: var snapshot } && header.First > (snapshot?.Sequence ?? 0) + 1)
        {
            findings.Add($"Rows are gone up to {header.First - 1}, but the snapshot holds {snapshot?.Sequence ?? 0} only.");
        }

        await CheckRowsAsync(account.Tables, partition, header, findings, cancellationToken).ConfigureAwait(false);
        await CheckSnapshotsAsync(new SnapshotBlobs(account.Blobs, partition), header, findings, cancellationToken).ConfigureAwait(false);
        return findings;
    }

    private static async Task CheckRowsAsync(
        ITableStore tables, string partition, JournalHeader? header, List<string> findings, CancellationToken cancellationToken)
    {
        var expected = header?.First ?? 1;
        var last = header?.Sequence ?? 0;
        var rows = tables.ReadRowsAsync(TableNames.Mail, partition, KeyRange.Prefix(JournalRows.Prefix), cancellationToken);
        await foreach (var row in rows.ConfigureAwait(false))
        {
            try
            {
                var sequence = JournalRows.Sequence(row);
                JournalRows.Decode(row, out _);
                if (sequence < expected || sequence > last)
                {
                    findings.Add($"Row {row.Row} lies outside of {header?.First} to {last}, or {expected} is missing before it.");
                    continue;
                }

                while (expected < sequence)
                {
                    findings.Add($"Row {JournalRows.Key(expected++)} is missing.");
                }

                expected++;
            }
            catch (StoreException e)
            {
                findings.Add(e.Message);
            }
        }

        if (expected <= last)
        {
            findings.Add($"Rows {expected} to {last} are missing.");
        }
    }

    private static async Task CheckSnapshotsAsync(
        SnapshotBlobs blobs, JournalHeader? header, List<string> findings, CancellationToken cancellationToken)
    {
        if (header?.Snapshot is not { } snapshot)
        {
            return;
        }

        var present = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var blob in blobs.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            present[blob.Name] = blob.Length;
        }

        if (snapshot.Sequence > header.Sequence)
        {
            findings.Add($"The snapshot holds {snapshot.Sequence}, the header {header.Sequence}.");
        }

        if (await CheckHeadAsync(blobs, snapshot, present, findings, cancellationToken).ConfigureAwait(false) is not { } newest)
        {
            return;
        }

        findings.AddRange(blobs.NamesOf(newest).Where(name => !present.ContainsKey(name)).Select(name => $"Blob {name} is missing."));
        foreach (var kept in newest.Kept)
        {
            await CheckHeadAsync(blobs, kept.Id, present, findings, cancellationToken).ConfigureAwait(false);
        }

        if (header.Status == JournalStatus.Live && header.First > (newest.Kept.Count > 0 ? newest.Kept[0].Id.Sequence : snapshot.Sequence) + 1)
        {
            findings.Add($"Rows are gone up to {header.First - 1}, beyond the oldest snapshot that is kept.");
        }
    }

    /// <summary>Reads a head and looks for its segments.</summary>
    private static async Task<SnapshotHead?> CheckHeadAsync(
        SnapshotBlobs blobs, SnapshotId id, Dictionary<string, long> present, List<string> findings, CancellationToken cancellationToken)
    {
        try
        {
            if (await blobs.ReadHeadAsync(id, cancellationToken).ConfigureAwait(false) is not { } head)
            {
                findings.Add($"Blob {blobs.NameOf(id)} is missing.");
                return null;
            }

            foreach (var (segment, blob) in head.Segments)
            {
                if (!present.TryGetValue(blobs.NameOf(segment, blob), out var length) || length != blob.Length)
                {
                    findings.Add($"Segment {segment} of snapshot {id.Sequence} is missing or has {length} bytes in place of {blob.Length}.");
                }
            }

            return head;
        }
        catch (StoreException e)
        {
            findings.Add($"{blobs.NameOf(id)}: {e.Message}");
            return null;
        }
    }
}
