using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Queues;

/// <summary>The commits of one queue that concern single messages; a message's rows go with the commit that removes it, its blob after it.</summary>
internal sealed class QueueCommits(
    QueueId queue, Journal<QueueState, QueueDraft> journal, QueueMessages messages, BodyBlobs blobs, QueueOptions options, QueueLog log)
{
    /// <summary>Of so many recipients each text is kept whole.</summary>
    private const int FewRecipients = 64;

    /// <summary>A thousand recipients may have two notices each, in one transaction.</summary>
    private const int MaxShortBytes = 120;

    private readonly BodyHolder _holder = BodyHolder.Of(queue);

    /// <param name="mayStart">Asked when it is decided: the first attempt begins with the commit.</param>
    /// <exception cref="StoreException">Nothing was written.</exception>
    /// <exception cref="JournalLostException">It may or may not be kept.</exception>
    public ValueTask<EnqueueDecision> EnqueueAsync(
        QueuedMessage message, byte[] envelope, QueueEntry entry, Func<bool> mayStart, DateTimeOffset now, CancellationToken cancellationToken) =>
        journal.CommitAsync(
            new JournalCall<QueueDraft, EnqueueDecision>(
                draft => draft.Enqueue(message, entry, options.MaxMessages, now, mayStart()) is { Status: EnqueueStatus.Queued } queued
                    ? new(queued, true)
                    : new(draft.Enqueue(message, entry, options.MaxMessages, now, starts: false), false),
                MessageRows.Of(message, envelope),
                QueueEvents.MaxEnqueuedBytes(message.Recipients.Length, entry.Notices)),
            cancellationToken);

    /// <summary>Commits how an attempt ended.</summary>
    /// <param name="due">When the rest is due.</param>
    /// <param name="isLost">Nothing was heard of the attempt.</param>
    public ValueTask<ReportDecision> ReportAsync(
        QueueEntry entry, RelayReport report, long due, long now, bool isLost, CancellationToken cancellationToken)
    {
        var outcomes = report.Outcomes.IsDefault ? [] : report.Outcomes;
        var bounded = report with { Outcomes = outcomes.Length <= FewRecipients ? outcomes : [.. outcomes.Select(Shortened)] };
        var bytes = QueueEvents.MaxChangedBytes(entry, bounded.Outcomes, report.Reason);
        return CommitAsync(entry, draft => draft.Report(bounded, due, now, isLost), bytes, cancellationToken);
    }

    /// <summary>A text for the notice of each of so many recipients.</summary>
    public static string TextFor(string text, int recipients) => recipients <= FewRecipients ? text : Shortened(text);

    /// <summary>Changes an entry; where nothing is left of it, it goes.</summary>
    /// <param name="change">Gets a copy; may be run more than once.</param>
    /// <param name="onlyIdle">What is under way is left alone.</param>
    /// <param name="forgotten">Delivery ids that are taken as new when they come again.</param>
    public ValueTask<ReportDecision> ChangeAsync(
        QueueEntry entry, Action<QueueEntry> change, CancellationToken cancellationToken, bool onlyIdle = false, IReadOnlyList<DeliveryId>? forgotten = null)
    {
        var changed = entry.Copy();
        change(changed);
        var bytes = QueueEvents.MaxChangedBytes(changed, []) + QueueEvents.MaxForgottenBytes(forgotten?.Count ?? 0);
        return CommitAsync(entry, draft => draft.Change(entry.Email, change, onlyIdle, forgotten), bytes, cancellationToken);
    }

    private async ValueTask<ReportDecision> CommitAsync(
        QueueEntry entry, Func<QueueDraft, ReportDecision> decide, int bytes, CancellationToken cancellationToken)
    {
        var isInline = entry.Is(EntryFlags.Inline);
        var blob = isInline ? null : await messages.ReadBlobAsync(entry.Email, cancellationToken);
        var decision = await journal.CommitAsync(
            new JournalCall<QueueDraft, ReportDecision>(
                draft => decide(draft) is var decided ? new(decided, decided.IsRemoved) : default, MessageRows.Delete(entry.Email, isInline), bytes),
            cancellationToken);
        if (decision.IsRemoved && blob is not null)
        {
            await RemoveAsync(blob, cancellationToken);
        }

        return decision;
    }

    // What stays here for now is the sweeper's.
    private async ValueTask RemoveAsync(BodyBlob blob, CancellationToken cancellationToken)
    {
        try
        {
            await blobs.RemoveHolderAsync(blob, _holder, cancellationToken);
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            log.LeftForSweeper(blob.Name, e.Message);
        }
    }

    private static RecipientOutcome Shortened(RecipientOutcome outcome) =>
        outcome with { Text = Shortened(outcome.Text), Host = outcome.Host is null ? null : Shortened(outcome.Host) };

    private static string Shortened(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) <= MaxShortBytes)
        {
            return text;
        }

        var (chars, bytes) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if ((bytes += rune.Utf8SequenceLength) > MaxShortBytes)
            {
                break;
            }

            chars += rune.Utf16SequenceLength;
        }

        return text[..chars];
    }
}
