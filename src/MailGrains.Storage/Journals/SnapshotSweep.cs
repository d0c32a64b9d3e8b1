using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>Deletes the snapshot blobs of an owner that a crash has left: those that no kept head names and that are older than a day.</summary>
public static class SnapshotSweep
{
    /// <summary>Younger blobs may belong to a snapshot that is being written.</summary>
    public static readonly TimeSpan LeastAge = TimeSpan.FromDays(1);

    /// <summary>May run beside the owner. Returns how many blobs were deleted; 0 where there is no header at all.</summary>
    public static async Task<int> SweepAsync(StorageAccount account, string partition, TimeProvider time, CancellationToken cancellationToken)
    {
        var blobs = new SnapshotBlobs(account.Blobs, partition);
        var cutOff = time.GetUtcNow() - LeastAge;
        var old = new List<string>();
        await foreach (var blob in blobs.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (blob.Created < cutOff)
            {
                old.Add(blob.Name);
            }
        }

        if (old.Count == 0)
        {
            return 0;
        }

        // The header is read behind the list: what a snapshot has put in force meanwhile is named by it, or too young to be listed.
        var row = await account.Tables.ReadAsync(TableNames.Mail, partition, JournalHeader.Row, cancellationToken).ConfigureAwait(false);
        if (row is null)
        {
            return 0;
        }

        HashSet<string> named = [];
        if (JournalHeader.Decode(row).Snapshot is { } snapshot)
        {
            if (await blobs.ReadHeadAsync(snapshot, cancellationToken).ConfigureAwait(false) is not { } head)
            {
                return 0;
            }

            named = blobs.NamesOf(head);
        }

        var deleted = 0;
        foreach (var name in old)
        {
            if (!named.Contains(name) && await blobs.DeleteAsync(name, cancellationToken).ConfigureAwait(false))
            {
                deleted++;
            }
        }

        return deleted;
    }
}
