using System.Diagnostics;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// Removes from the store what a mailbox has let go. A step of a live mailbox is a commit that takes messages out of the index and names them as
/// being purged, then the removal of their blobs and rows, then a commit that says so. Wherever it is interrupted, the next run goes on from the
/// names: a message's row goes last, so nothing that names a blob is lost before the blob is.
/// </summary>
internal sealed class MailboxPurge(MailboxId mailbox, Journal<MailboxState, MailboxDraft> journal, MailboxStores stores, TimeProvider time)
{
    private const int StepMessages = 500;

    /// <summary>Messages whose rows go in one transaction: two rows each, and the header.</summary>
    private const int TransactionMessages = 48;

    private static readonly TimeSpan MaxRun = TimeSpan.FromSeconds(10);
    private readonly BodyHolder _holder = BodyHolder.Of(mailbox);

    /// <summary>Whether a run would find something to do now, the undo window aside or not.</summary>
    public static bool IsDue(MailboxState state, MailboxOptions options, DateTimeOffset now) =>
        state.Expunges.Purging.Count > 0 || Due(state.Expunges, options) <= now;

    /// <returns>Messages removed, and when there will be more.</returns>
    public async Task<PurgeReport> RunAsync(bool eraseNow, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var removed = 0;
        while (Stopwatch.GetElapsedTime(started) < MaxRun)
        {
            var step = journal.Status == JournalStatus.Deleted
                ? await RemoveDeletedAsync(cancellationToken)
                : await StepAsync(eraseNow, cancellationToken);
            if (step is not { } messages)
            {
                return new PurgeReport(removed, journal.Status == JournalStatus.Deleted ? null : Due(journal.State.Expunges, stores.Options));
            }

            removed += messages;
        }

        return new PurgeReport(removed, time.GetUtcNow());
    }

    private static DateTimeOffset? Due(ExpungeLog expunges, MailboxOptions options) => expunges.Oldest is not { } oldest
        ? null
        : expunges.Bytes > options.MaxExpungedBytes || expunges.Records > options.MaxExpunges
            ? DateTimeOffset.MinValue
            : DateTimeOffset.FromUnixTimeMilliseconds(oldest.At) + options.UndoWindow;

    private async ValueTask<int?> StepAsync(bool eraseNow, CancellationToken cancellationToken)
    {
        if (journal.State.Expunges.Purging.Count == 0 && !await BeginAsync(eraseNow, cancellationToken))
        {
            return null;
        }

        var emails = journal.State.Expunges.Purging;
        foreach (var some in emails.Chunk(TransactionMessages))
        {
            await RemoveAsync(some, cancellationToken);
        }

        await journal.CommitAsync(new JournalCall<MailboxDraft, bool>(EndPurge, [], 8), cancellationToken);
        return emails.Count;
    }

    private static JournalDecision<bool> EndPurge(MailboxDraft draft)
    {
        draft.EndPurge();
        return new JournalDecision<bool>(true, false);
    }

    /// <summary>Takes the first of the oldest expunged messages out of the index; false when none is due.</summary>
    private async ValueTask<bool> BeginAsync(bool eraseNow, CancellationToken cancellationToken)
    {
        while (true)
        {
            var state = journal.State;
            if (state.Expunges.Oldest is not { } oldest || state.Find(oldest.Folder) is not { } folder ||
                (!eraseNow && Due(state.Expunges, stores.Options) > time.GetUtcNow()))
            {
                return false;
            }

            var pins = new List<SegmentPin>();
            try
            {
                var (uids, _) = oldest.Uids.Split(StepMessages);
                uint[] ascending = [.. uids.Uids()];
                var covered = await state.PinNextAsync(folder, ascending, pins, cancellationToken);
                (uids, _) = uids.Split(covered);
                var call = new JournalCall<MailboxDraft, bool?>(
                    draft => new JournalDecision<bool?>(draft.BeginPurge(oldest, uids), false), [], 64 + uids.MaxBytes + 16 * covered);
                if (await journal.CommitAsync(call, cancellationToken) == true)
                {
                    return true;
                }
            }
            finally
            {
                pins.ForEach(p => p.Dispose());
            }
        }
    }

    /// <summary>Removes everything that belonged to a deleted mailbox, some messages a step; null when nothing is left but the tombstone.</summary>
    private async ValueTask<int?> RemoveDeletedAsync(CancellationToken cancellationToken)
    {
        var emails = new List<EmailId>(TransactionMessages);
        await foreach (var row in stores.Accounts[mailbox.Account].Tables.ReadRowsAsync(
            TableNames.Mail, _holder.Partition, MessageRows.AllMessages, cancellationToken))
        {
            emails.Add(MessageRows.Read(row).Email);
            if (emails.Count == TransactionMessages)
            {
                break;
            }
        }

        if (emails.Count == 0)
        {
            await journal.PurgeHistoryAsync(cancellationToken);
            return null;
        }

        await RemoveAsync(emails, cancellationToken);
        return emails.Count;
    }

    /// <summary>Removes blobs and rows of messages that no index names; those that are gone already are passed over.</summary>
    private async ValueTask RemoveAsync(IReadOnlyList<EmailId> emails, CancellationToken cancellationToken)
    {
        var tables = stores.Accounts[mailbox.Account].Tables;
        var rows = new List<TableOperation>(emails.Count * 2);
        foreach (var email in emails)
        {
            if (await tables.ReadAsync(TableNames.Mail, _holder.Partition, MessageRows.MessageRow(email), cancellationToken) is not { } row)
            {
                continue;
            }

            var message = MessageRows.Read(row);
            if (message.Blob is { } blob)
            {
                await stores.Blobs.RemoveHolderAsync(blob, _holder, cancellationToken);
            }

            rows.AddRange(MessageRows.Delete(email, message.IsInline));
        }

        if (rows.Count > 0)
        {
            await journal.WriteRowsAsync(rows, cancellationToken);
        }
    }
}
