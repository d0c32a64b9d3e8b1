using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// Puts messages into queues: those for other servers, and for mailboxes here that could not take theirs. A blob that turns out to be nobody's is
/// removed, but never after an answer that leaves open whether it was committed.
/// </summary>
public sealed partial class QueueHandOver(
    IGrainFactory grains, QueueChoice queues, StorageAccounts accounts, TimeProvider time, GatewayOptions options, ILogger<QueueHandOver> logger)
{
    private readonly BodyBlobs _bodies = new(accounts, time);
    private readonly GrainKind<IDomainQueueGrain> _queues = new(grains);

    public ValueTask<EnqueueResult> EnqueueAsync(JudgedMessage message, QueueHop hop, CancellationToken cancellationToken) => EnqueueAsync(
        hop.Queue,
        message.For([.. hop.Copies.Select(message.For)], message.Content.BodyFor(hop.Queue.Tenant)),
        cancellationToken);

    /// <summary>
    /// Lets the queues of the recipients' domains take what mailboxes did not: they try again, or tell the sender. The mailboxes hold the body still.
    /// </summary>
    public async ValueTask<TakeOver> TakeOverAsync(JudgedMessage message, IReadOnlyCollection<Hop> hops)
    {
        // The mailboxes may have used up the time for the first hand-over.
        using var limit = new CancellationTokenSource(options.HandOverTimeout);
        try
        {
            var byQueue = new Dictionary<QueueId, List<Hop>>();
            foreach (var hop in hops)
            {
                var queue = await queues.OfAsync(
                    hop.Target.Mailbox.Tenant, DomainOf(message.Transaction, hop), message.Transaction.ReversePath, hop.Recipient, limit.Token);
                (byQueue.TryGetValue(queue, out var some) ? some : byQueue[queue] = []).Add(hop);
            }

            return TakeOver.Of(await Task.WhenAll(byQueue.Select(group => TakeOverAsync(message, group.Key, group.Value, limit.Token))));
        }
        catch (Exception e) when (IsPassing(e))
        {
            LogNotTaken(message.Origin.TraceId, e.Message);
            return TakeOver.OfNothing;
        }
    }

    private async Task<TakeOver> TakeOverAsync(JudgedMessage message, QueueId queue, List<Hop> hops, CancellationToken cancellationToken)
    {
        // A queue knows a message by its id: it can't take two of one transaction, and it has one already, of a recipient whose copy goes by it anyway.
        if (message.Transaction.HasCopiesFor(queue))
        {
            return TakeOver.OfNothing;
        }

        var body = message.Content.BodyFor(queue.Tenant);
        try
        {
            if (body.Blob is { } blob)
            {
                body = body with { Blob = await _bodies.AddHolderAsync(blob, BodyHolder.Of(hops[0].Target.Mailbox), BodyHolder.Of(queue), cancellationToken) };
            }
        }
        catch (Exception e) when (IsPassing(e))
        {
            LogNotTaken(message.Origin.TraceId, e.Message);
            return TakeOver.OfNothing;
        }

        var result = await EnqueueAsync(queue, message.For([.. hops.Select(message.QueuedFor)], body), cancellationToken);
        if (result.IsKept)
        {
            LogTaken(message.Origin.TraceId, queue, hops.Count);
        }

        return result.Status == EnqueueStatus.Full ? TakeOver.OfNothing : new TakeOver(result.IsKept, hops.Select(hop => hop.Target.Mailbox).ToHashSet());
    }

    private static bool IsPassing(Exception e) => e is StoreException or StoreUnavailableException or OperationCanceledException;

    private string DomainOf(Transaction transaction, Hop hop) =>
        transaction.Recipients.First(r => r.ForwardPath == hop.Recipient).Name?.Domain ??
        (AddressName.TryParse(hop.Recipient, out var address) ? address.Domain : options.HostName);

    private async ValueTask<EnqueueResult> EnqueueAsync(QueueId queue, QueuedMessage message, CancellationToken cancellationToken)
    {
        EnqueueResult result;
        try
        {
            result = await _queues.Of(queue.ToString()).EnqueueAsync(message, cancellationToken);
        }
        catch (Exception e)
        {
            // A silo that died, a time-out, a defect: whatever it was may pass, and the delivery ids make the client's repeat harmless.
            LogFailed(e, queue, message.TraceId);
            result = EnqueueResult.Of(EnqueueStatus.Unavailable);
        }

        if (message.Body.Blob is { } blob && IsNobodys(result, blob))
        {
            await RemoveAsync(blob, queue, cancellationToken);
        }

        return result;
    }

    // Refused for certain, or kept earlier under another blob.
    private static bool IsNobodys(EnqueueResult result, BodyBlob blob) => result.Status switch
    {
        EnqueueStatus.Repeated => result.KeptBody?.Name != blob.Name,
        EnqueueStatus.Full => true,
        _ => false,
    };

    // What stays here for now is found by the sweeper: the reply does not hang on it.
    private async ValueTask RemoveAsync(BodyBlob blob, QueueId queue, CancellationToken cancellationToken)
    {
        try
        {
            await _bodies.RemoveHolderAsync(blob, BodyHolder.Of(queue), cancellationToken);
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            LogLeftForSweeper(blob.Name, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{TraceId}: queue {Queue} takes what {Mailboxes} mailboxes did not")]
    private partial void LogTaken(string traceId, QueueId queue, int mailboxes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{TraceId}: no queue could take what mailboxes did not: {Why}")]
    private partial void LogNotTaken(string traceId, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Message {TraceId} could not be put into queue {Queue}")]
    private partial void LogFailed(Exception e, QueueId queue, string traceId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Blob {Blob} is left for the sweeper: {Why}")]
    private partial void LogLeftForSweeper(string blob, string why);
}
