using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Messages.Headers;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Grains.Delivery;

/// <summary>
/// The last hop of a message to a mailbox. It holds nothing and waits for the store most of its time, so its calls interleave: a handful of
/// workers that take one call at a time would cap a silo. It removes no blob: after an unknown outcome the mailbox may have the message.
/// </summary>
[StatelessWorker, Reentrant]
public sealed partial class MdaGrain(IGrainFactory grains, ILogger<MdaGrain> logger) : Grain, IMdaGrain
{
    private const string Inbox = "INBOX";

    private readonly GrainKind<IMailboxGrain> _mailboxes = new(grains);

    public async ValueTask<DeliveryResult> DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var delivery = new MailboxDelivery(
                request.DeliveryId,
                request.TraceId,
                Inbox,
                [],
                TraceHeader.DeliveryPrefix(request.ReversePath, request.Recipient, request.Trace),
                request.Body,
                request.Summary,
                request.ThreadId,
                request.ReceivedAt,
                request.Email)
            {
                OtherIds = request.OtherIds,
            };
            return await DeliverAsync(request.Mailbox, request.IsJunk ? ToJunk(delivery) : delivery, cancellationToken);
        }
        catch (Exception e)
        {
            // A silo that died, a time-out, a defect: whatever it was may pass, and the delivery id makes the repeat harmless.
            LogFailed(e, request.Mailbox, request.TraceId);
            return DeliveryResult.Of(DeliveryStatus.Unavailable);
        }
    }

    /// <summary>Where the mailbox's silo has gone before it answered, the mailbox is elsewhere now; it recognises what it has already.</summary>
    private async ValueTask<DeliveryResult> DeliverAsync(MailboxId mailbox, MailboxDelivery delivery, CancellationToken cancellationToken)
    {
        var grain = _mailboxes.Of(mailbox.ToString());
        try
        {
            return await grain.DeliverAsync(delivery, cancellationToken);
        }
        catch (OrleansMessageRejectionException) when (!delivery.DeliveryId.IsNone)
        {
            return await grain.DeliverAsync(delivery, cancellationToken);
        }
    }

    /// <summary>
    /// Kept under ids of its own, so that a repeat with a better verdict is kept too; where that one is kept already, this is its repeat.
    /// </summary>
    private static MailboxDelivery ToJunk(MailboxDelivery delivery) => delivery with
    {
        Folder = "Junk",
        SpecialUse = "\\Junk",
        DeliveryId = delivery.DeliveryId.ForJunk(),
        OtherIds = delivery.OtherIds.IsDefaultOrEmpty ? [] : [.. delivery.OtherIds.Select(id => id.ForJunk())],
        BetterIds = delivery.OtherIds.IsDefaultOrEmpty ? [delivery.DeliveryId] : [delivery.DeliveryId, .. delivery.OtherIds],
    };

    [LoggerMessage(1, LogLevel.Warning, "Message {TraceId} could not be handed to mailbox {Mailbox}.")]
    private partial void LogFailed(Exception e, MailboxId mailbox, string traceId);
}
