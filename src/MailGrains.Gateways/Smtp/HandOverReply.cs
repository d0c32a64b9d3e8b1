using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <param name="MayBeKept">Somebody has the message, or it is not known: it counts as sent, whatever the reply.</param>
public readonly record struct HandOverOutcome(SmtpReply Reply, bool MayBeKept);

/// <summary>
/// One reply for several targets. 250 only where every recipient's copy is kept: in its mailbox, or in a queue. A queue that fails makes it a 4yz,
/// since nobody else can take its copies, and the delivery ids make the repeat harmless for all others.
/// </summary>
internal static class HandOverReply
{
    /// <summary>
    /// Whether queues are to take what mailboxes did not: where a target has committed, so that the client should not send again; and where a mailbox could
    /// not be asked, which says nothing against the message. Before that the worst failure is the reply: a full mailbox, or one that went away,
    /// is the client's to hear.
    /// </summary>
    public static bool LeavesToQueues(ReadOnlySpan<DeliveryResult> delivered, ReadOnlySpan<EnqueueResult> enqueued)
    {
        var some = enqueued.Length > 0;
        var all = true;
        foreach (var result in delivered)
        {
            some |= result.IsKept || result.Status is not (DeliveryStatus.NoMailbox or DeliveryStatus.OverQuota or DeliveryStatus.StoreFull);
            all &= result.IsKept;
        }

        foreach (var result in enqueued)
        {
            some &= result.IsKept;
        }

        return some && !all;
    }

    /// <param name="taken">Whether queues took what mailboxes did not; null: they were not asked. Where they did not, a full store is still the reason.</param>
    public static HandOverOutcome Of(ReadOnlySpan<DeliveryResult> delivered, ReadOnlySpan<EnqueueResult> enqueued, bool? taken, string traceId)
    {
        bool unavailable = false, full = false, overQuota = false, mayBeKept = false;
        foreach (var result in delivered)
        {
            mayBeKept |= result is { IsKept: true } or { Status: DeliveryStatus.Unavailable };
            if (taken != true && !result.IsKept)
            {
                // A queue would have taken what is over a quota.
                var isOverQuota = taken is null && result.Status == DeliveryStatus.OverQuota;
                overQuota |= isOverQuota;
                full |= result.Status == DeliveryStatus.StoreFull;
                unavailable |= !isOverQuota && result.Status != DeliveryStatus.StoreFull;
            }
        }

        foreach (var result in enqueued)
        {
            mayBeKept |= result is { IsKept: true } or { Status: EnqueueStatus.Unavailable };
            unavailable |= result is { IsKept: false } and { Status: not EnqueueStatus.Full };
            full |= result.Status == EnqueueStatus.Full;
        }

        // A mailbox that went away between RCPT and the end of DATA: the client's repeat hears at RCPT what is right then, 550 or, where the
        // address has another mailbox now, 250.
        var reply = unavailable ? SmtpReply.LocalError451
            : full ? SmtpReply.SystemFull452
            : overQuota ? SmtpReply.MailboxFull452
            : new SmtpReply(250, new EnhancedCode(0, 0), traceId);
        return new HandOverOutcome(reply, mayBeKept);
    }
}
