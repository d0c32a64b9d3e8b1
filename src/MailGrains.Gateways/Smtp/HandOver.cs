using System.Security.Cryptography;
using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Text;
using MailGrains.Gateways.Filters;
using MailGrains.Messages.Headers;
using MailGrains.Messages.Summaries;
using MailGrains.Protocols.Smtp;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// Hands a message to all its mailboxes and queues at once and makes one reply of their answers: 250 when each recipient's copy is kept somewhere, which
/// for a mailbox that does not take its own is a queue; else the worst failure. A delivery id makes the client's repeat harmless for those that have
/// it already. A blob that turns out to be nobody's is removed, but never after an answer that leaves open whether it was committed.
/// </summary>
public sealed partial class HandOver(
    IGrainFactory grains, RecipientResolver resolver, QueueHandOver queues, StorageAccounts accounts, SummaryReader summaries, TimeProvider time, GatewayOptions options,
    ILogger<HandOver> logger, FilterPipeline? filters = null)
{
    private static readonly Task<EnqueueResult[]> NoneQueued = Task.FromResult<EnqueueResult[]>([]);

    private readonly BodyBlobs _bodies = new(accounts, time);
    private readonly GrainKind<IMailboxGrain> _mailboxes = new(grains);
    private readonly IMdaGrain _mda = grains.GetGrain<IMdaGrain>(0);

    /// <summary>Filters look at a message before it is handed over.</summary>
    public bool IsFiltered => filters is { IsOff: false };

    /// <summary>What they may take of a message's time.</summary>
    public TimeSpan FilterTime => filters?.LongestTimeout ?? TimeSpan.Zero;

    public ValueTask<DeliveryStatus> CheckAsync(MailboxId mailbox, long bytes, CancellationToken cancellationToken) =>
        _mailboxes.Of(mailbox.ToString()).CheckDeliveryAsync(bytes, cancellationToken);

    /// <summary>Starts the blobs of a large body, one a tenant.</summary>
    public LargeBody BeginLargeBody(Transaction transaction, MessageOrigin origin) => new(
        _bodies, summaries, origin.Email, transaction.Hops()
            .Select(hop => (hop.Target.Mailbox.Tenant, Holder: BodyHolder.Of(hop.Target.Mailbox)))
            .Concat(transaction.QueueHops().Select(hop => (hop.Queue.Tenant, Holder: BodyHolder.Of(hop.Queue))))
            .GroupBy(h => h.Tenant, h => h.Holder, StringComparer.Ordinal));

    /// <summary>Reads what is in memory whole.</summary>
    public IncomingContent ReadInline(byte[] content) => IncomingContent.OfInline(content, SHA256.HashData(content), summaries.Read(content));

    /// <summary>
    /// Whether every name that led on at RCPT still leads to the same: meanwhile its domain may have moved to another tenant, whose mail
    /// is none of theirs. False too where that can't be told now.
    /// </summary>
    public async ValueTask<bool> StillLeadsAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        foreach (var recipient in transaction.Recipients)
        {
            if (recipient.Name is { } name && !await LeadsToAsync(name, recipient, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Asks the filters; null where none looks at this message. Nothing is handed over before it has answered.</summary>
    public async ValueTask<MessageVerdict?> JudgeAsync(
        Transaction transaction, MessageOrigin origin, IncomingContent content, CancellationToken cancellationToken)
    {
        var blob = content.Blobs.Values.FirstOrDefault()?.Blob;
        var facts = new MessageFacts(
            origin.TraceId, origin.Peer, origin.Hello.Name, transaction.ReversePath.Text, [.. transaction.Recipients.Select(r => r.ForwardPath)],
            new FilteredContent(
                Trace(transaction, origin, content), content.Bytes,
                cancel => blob is null ? new(new MemoryStream(content.Inline!, writable: false)) : _bodies.OpenAsync(blob, cancel)))
        {
            Login = origin.Login,
            ReverseName = origin.Client.ConfirmedName,
            TlsVersion = origin.Tls?.Version,
        };
        return await filters!.JudgeAsync(facts, cancellationToken);
    }

    /// <param name="verdict">Of the filters, where there are any: none that refuses the message.</param>
    public async ValueTask<HandOverOutcome> DeliverAsync(
        Transaction transaction, MessageOrigin origin, IncomingContent content, MessageVerdict? verdict, CancellationToken cancellationToken)
    {
        var trace = Trace(transaction, origin, content);
        if (verdict is not null)
        {
            // Above Received, where nothing that came with the message can stand.
            trace = [.. verdict.Fields(options.HostName), .. trace];
        }

        var message = new JudgedMessage(transaction, origin, content, trace, verdict?.Action == FilterAction.Junk);
        var hops = transaction.Hops();
        var enqueuing = transaction.QueuedTargets == 0
            ? NoneQueued
            : Task.WhenAll(transaction.QueueHops().Select(hop => queues.EnqueueAsync(message, hop, cancellationToken).AsTask()));
        var delivered = hops is [var only]
            ? [await DeliverOneAsync(message, only, cancellationToken)]
            : await Task.WhenAll(hops.Select(hop => DeliverOneAsync(message, hop, cancellationToken).AsTask()));
        var enqueued = await enqueuing;
        var takeOver = HandOverReply.LeavesToQueues(delivered, enqueued)
            ? await queues.TakeOverAsync(message, [.. hops.Where((_, i) => !delivered[i].IsKept)])
            : null;

        // Not before: a queue gets its body from the mailbox whose copy it takes.
        for (var i = 0; i < delivered.Length; i++)
        {
            var mailbox = hops[i].Target.Mailbox;
            if (content.BodyFor(mailbox.Tenant).Blob is { } blob && IsNobodys(delivered[i], blob, takeOver?.Mailboxes.Contains(mailbox) == true))
            {
                await RemoveAsync(blob, mailbox, cancellationToken);
            }
        }

        return HandOverReply.Of(delivered, enqueued, takeOver?.IsWhole, origin.TraceId);
    }

    /// <summary>Removes the blobs of a message that was refused before any hand-over.</summary>
    public async ValueTask ForgetAsync(IncomingContent content, CancellationToken cancellationToken)
    {
        foreach (var body in content.Blobs.Values)
        {
            try
            {
                await _bodies.DiscardAsync(body.Blob!, cancellationToken);
            }
            catch (Exception e) when (e is StoreException or OperationCanceledException)
            {
                // The refusal stands all the same.
                LogLeftForSweeper(body.Blob!.Name, e.Message);
            }
        }
    }

    private async ValueTask<bool> LeadsToAsync(AddressName name, AcceptedRecipient recipient, CancellationToken cancellationToken)
    {
        try
        {
            var now = await resolver.ResolveAsync(name, cancellationToken);
            return recipient.Targets.Select(t => t.Mailbox).ToHashSet().IsSubsetOf(now.Targets.Select(t => t.Mailbox)) &&
                recipient.Queued.Where(q => q.Mailbox is null).Select(q => (q.Queue.Tenant, q.Queue.Domain)).ToHashSet().IsSubsetOf(now.Remotes.Select(r => (r.Tenant ?? "", r.Domain)));
        }
        catch (Exception e) when (IsPassing(e))
        {
            LogNotAsked(new LogText(name.ToString()), e.Message);
            return false;
        }
    }

    private async ValueTask<DeliveryResult> DeliverOneAsync(JudgedMessage message, Hop hop, CancellationToken cancellationToken)
    {
        try
        {
            return await _mda.DeliverAsync(message.For(hop), cancellationToken);
        }
        catch (Exception e) when (IsPassing(e))
        {
            return DeliveryResult.Of(DeliveryStatus.Unavailable);
        }
    }

    private static bool IsPassing(Exception e) => e is OrleansException or TimeoutException or OperationCanceledException or StoreUnavailableException;

    // Refused for certain, or kept earlier under another blob. What a queue has may have come to a mailbox that has room again meanwhile.
    private static bool IsNobodys(DeliveryResult result, BodyBlob blob, bool isTaken) => result.Status switch
    {
        DeliveryStatus.Repeated => result.KeptBody?.Name != blob.Name,
        DeliveryStatus.NoMailbox => true,
        DeliveryStatus.OverQuota or DeliveryStatus.StoreFull => !isTaken,
        _ => false,
    };

    // What stays here for now is found by the sweeper: the reply does not hang on it.
    private async ValueTask RemoveAsync(BodyBlob blob, MailboxId mailbox, CancellationToken cancellationToken)
    {
        try
        {
            await _bodies.RemoveHolderAsync(blob, BodyHolder.Of(mailbox), cancellationToken);
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            LogLeftForSweeper(blob.Name, e.Message);
        }
    }

    private byte[] Trace(Transaction transaction, MessageOrigin origin, IncomingContent content)
    {
        var recipient = transaction.Recipients is [var only] ? only.ForwardPath : null;
        return TraceHeader.Received(
            new ReceivedClauses(origin.Hello.Name, origin.Peer, options.HostName, ProtocolOf(transaction, origin), origin.TraceId, recipient, origin.ReceivedAt)
            {
                ReverseName = origin.Client.ConfirmedName,
                TlsCipher = origin.Tls?.CipherSuite,
            },
            endsHeader: content.Summary.HeaderLength == 0);
    }

    // RFC 3848 and RFC 6531 §4.3: the words for what was spoken.
    private static string ProtocolOf(Transaction transaction, MessageOrigin origin) =>
        (transaction.Parameters.SmtpUtf8, origin.Hello.Extended, origin.Tls is not null, origin.Login is not null) switch
        {
            (true, _, false, false) => "UTF8SMTP",
            (true, _, false, true) => "UTF8SMTPA",
            (true, _, true, false) => "UTF8SMTPS",
            (true, _, true, true) => "UTF8SMTPSA",
            (_, false, false, false) => "SMTP",
            (_, _, false, false) => "ESMTP",
            (_, _, false, true) => "ESMTPA",
            (_, _, true, false) => "ESMTPS",
            _ => "ESMTPSA",
        };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Where {Address} leads could not be asked again: {Why}")]
    private partial void LogNotAsked(LogText address, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Blob {Blob} is left for the sweeper: {Why}")]
    private partial void LogLeftForSweeper(string blob, string why);
}
