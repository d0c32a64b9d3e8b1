using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;

namespace MailGrains.Grains.Queues;

/// <summary>An attempt to hand a waiting message to mailboxes here, whose hand-over failed for a moment when it came.</summary>
public sealed class LocalRetry(IGrainFactory grains, BodyBlobs blobs)
{
    private readonly IMdaGrain _mda = grains.GetGrain<IMdaGrain>(0);

    /// <summary>Never throws for what an outcome can say.</summary>
    public async Task<RelayReport> DeliverAsync(QueueId queue, RelayMessage attempt, CancellationToken cancellationToken)
    {
        var outcomes = await Task.WhenAll(attempt.Recipients.Select(index => DeliverAsync(queue, attempt.Message, index, cancellationToken)));
        return new RelayReport(attempt.Message.Email, attempt.Attempt, RelayStatus.Tried, [.. outcomes]);
    }

    private async Task<RecipientOutcome> DeliverAsync(QueueId queue, QueuedMessage message, int index, CancellationToken cancellationToken)
    {
        var recipient = message.Recipients[index];
        if (recipient.Mailbox is not { } mailbox)
        {
            return Outcome(index, OutcomeKind.Deferred, 451, "4.3.0", "the message mixes local recipients and others");
        }

        DeliveryResult result;
        try
        {
            result = await HandOverAsync(BodyHolder.Of(queue), BodyHolder.Of(mailbox), message, recipient, mailbox, cancellationToken);
        }
        catch (Exception e) when (e is StoreException or OrleansException or TimeoutException)
        {
            return Outcome(index, OutcomeKind.Deferred, 451, "4.3.0", e.Message);
        }

        return result.Status switch
        {
            DeliveryStatus.Delivered or DeliveryStatus.Repeated => Outcome(index, OutcomeKind.Delivered, 250, "2.0.0", "delivered to the mailbox"),
            DeliveryStatus.NoMailbox => Outcome(index, OutcomeKind.Failed, 550, "5.1.1", "the mailbox was removed"),
            DeliveryStatus.OverQuota => Outcome(index, OutcomeKind.Deferred, 452, "4.2.2", "the mailbox is full"),
            DeliveryStatus.StoreFull => Outcome(index, OutcomeKind.Deferred, 452, "4.3.1", "the store is full"),
            _ => Outcome(index, OutcomeKind.Deferred, 451, "4.3.0", "the mailbox could not be reached"),
        };
    }

    /// <summary>
    /// The mailbox holds the blob before it commits. Where it never will keep anything of it, it lets go again; one without room may yet, by another
    /// attempt, or by the gateway's hand-over that got no answer: its hold, where nothing comes of it, is the sweeper's.
    /// </summary>
    private async Task<DeliveryResult> HandOverAsync(
        BodyHolder queue, BodyHolder mailbox, QueuedMessage message, QueuedRecipient recipient, MailboxId id, CancellationToken cancellationToken)
    {
        var body = message.Body;
        if (body.Blob is { } own)
        {
            body = body with { Blob = await blobs.AddHolderAsync(own, queue, mailbox, cancellationToken) };
        }

        var result = await _mda.DeliverAsync(
            new DeliveryRequest(
                id, recipient.DeliveryId, message.TraceId, message.ReversePath, recipient.ForwardPath, recipient.Detail, message.Trace, body,
                message.Summary, message.ThreadId, message.ReceivedAt, message.Email)
            {
                OtherIds = recipient.OtherIds.IsDefault ? ImmutableArray<DeliveryId>.Empty : recipient.OtherIds,
                IsJunk = recipient.IsJunk,
            },
            cancellationToken);
        var letsGo = result.Status == DeliveryStatus.NoMailbox ||
            (result.Status == DeliveryStatus.Repeated && result.KeptBody?.Name != body.Blob?.Name);
        if (letsGo && body.Blob is { } shared)
        {
            await blobs.RemoveHolderAsync(shared, mailbox, cancellationToken);
        }

        return result;
    }

    private static RecipientOutcome Outcome(int index, OutcomeKind kind, int code, string enhanced, string text) => new(index, kind, code, enhanced, text, null);
}
