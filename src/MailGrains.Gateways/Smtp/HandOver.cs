using System.Collections.Immutable;
using System.Security.Cryptography;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Text;
using MailGrains.Contracts;
using MailGrains.Gateways.Filters;
using MailGrains.Messages.Headers;
using MailGrains.Messages.Summaries;
using MailGrains.Protocols.Smtp;
using MailGrains.Storage.Bodies;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <param name="MayBeKept">Some mailbox has the message, or it is not known: it counts as sent, whatever the reply.</param>
public readonly record struct HandOverOutcome(SmtpReply Reply, bool MayBeKept);

/// <summary>
/// Hands a message to all its mailboxes at once and makes one reply of their answers: 250 when all have committed it, else the worst failure.
/// A delivery id makes the client's repeat harmless for those that have it already. A blob that turns out to be nobody's is removed, but never
/// after an answer that leaves open whether it was committed.
/// </summary>
public sealed partial class HandOver(
    IGrainFactory grains, RecipientResolver resolver, StorageAccounts accounts, SummaryReader summaries, TimeProvider time, GatewayOptions options,
    ILogger<HandOver> logger, FilterPipeline? filters = null)
{
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
    public LargeBody BeginLargeBody(IReadOnlyList<Hop> hops, MessageOrigin origin) => new(
        _bodies, summaries, origin.Email, hops.GroupBy(h => h.Target.Mailbox.Tenant, h => BodyHolder.Of(h.Target.Mailbox), StringComparer.Ordinal));

    /// <summary>Reads what is in memory whole.</summary>
    public IncomingContent ReadInline(byte[] content) => IncomingContent.OfInline(content, SHA256.HashData(content), summaries.Read(content));

    /// <summary>
    /// Whether every name that leads to mailboxes still leads to those of RCPT: meanwhile its domain may have moved to another tenant, whose mail
    /// is none of theirs. False too where that can't be told now.
    /// </summary>
    public async ValueTask<bool> StillLeadsAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        foreach (var recipient in transaction.Recipients)
        {
            if (recipient.Name is { } name && !await LeadsToAsync(name, recipient.Targets, cancellationToken))
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
        var hops = transaction.Hops();
        var trace = Trace(transaction, origin, content);
        if (verdict is not null)
        {
            // Above Received, where nothing that came with the message can stand.
            trace = [.. verdict.Fields(options.HostName), .. trace];
        }

        var isJunk = verdict?.Action == FilterAction.Junk;
        if (hops is [var only])
        {
            var result = await DeliverOneAsync(transaction, origin, content, trace, isJunk, only, cancellationToken);
            return OutcomeOf([result.Status], origin);
        }

        var results = await Task.WhenAll(hops.Select(h => DeliverOneAsync(transaction, origin, content, trace, isJunk, h, cancellationToken).AsTask()));
        return OutcomeOf([.. results.Select(r => r.Status)], origin);
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

    private async ValueTask<bool> LeadsToAsync(AddressName name, IReadOnlyList<LocalTarget> targets, CancellationToken cancellationToken)
    {
        try
        {
            var now = await resolver.ResolveAsync(name, cancellationToken);
            return targets.Select(t => t.Mailbox).ToHashSet().IsSubsetOf(now.Targets.Select(t => t.Mailbox));
        }
        catch (Exception e) when (IsPassing(e))
        {
            LogNotAsked(new LogText(name.ToString()), e.Message);
            return false;
        }
    }

    private async ValueTask<DeliveryResult> DeliverOneAsync(
        Transaction transaction, MessageOrigin origin, IncomingContent content, byte[] trace, bool isJunk, Hop hop,
        CancellationToken cancellationToken)
    {
        var mailbox = hop.Target.Mailbox;
        var body = content.BodyFor(mailbox.Tenant);
        var id = content.HasMessageId ? IdOf(hop.Recipient) : DeliveryId.None;
        ImmutableArray<DeliveryId> otherIds = content.HasMessageId
            ? [.. hop.Others.Where(o => o != hop.Recipient).Distinct().Take(DeliveryRequest.MaxOtherIds).Select(IdOf)]
            : [];
        DeliveryResult result;
        try
        {
            result = await _mda.DeliverAsync(
                new DeliveryRequest(
                    mailbox, id, origin.TraceId, transaction.ReversePath.Text, hop.Recipient, hop.Target.Detail, trace, body,
                    content.EncodedSummary, content.Summary.ThreadId() ?? origin.Email.Low, origin.ReceivedAt, origin.Email)
                {
                    OtherIds = otherIds,
                    IsJunk = isJunk,
                },
                cancellationToken);
        }
        catch (Exception e) when (IsPassing(e))
        {
            result = DeliveryResult.Of(DeliveryStatus.Unavailable);
        }

        if (body.Blob is { } blob && IsNobodys(result, blob))
        {
            await RemoveAsync(blob, mailbox, cancellationToken);
        }

        return result;

        DeliveryId IdOf(string recipient) => DeliveryId.Of(transaction.ReversePath.Text, recipient, content.Hash);
    }

    private static bool IsPassing(Exception e) => e is OrleansException or TimeoutException or OperationCanceledException or StoreUnavailableException;

    // Refused for certain, or kept earlier under another blob.
    private static bool IsNobodys(DeliveryResult result, BodyBlob blob) => result.Status switch
    {
        DeliveryStatus.Repeated => result.KeptBody?.Name != blob.Name,
        DeliveryStatus.NoMailbox or DeliveryStatus.OverQuota or DeliveryStatus.StoreFull => true,
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

    private static HandOverOutcome OutcomeOf(ReadOnlySpan<DeliveryStatus> statuses, MessageOrigin origin)
    {
        bool unavailable = false, full = false, overQuota = false, mayBeKept = false;
        foreach (var status in statuses)
        {
            mayBeKept |= status is DeliveryStatus.Delivered or DeliveryStatus.Repeated or DeliveryStatus.Unavailable;
            unavailable |= status is not (DeliveryStatus.Delivered or DeliveryStatus.Repeated or DeliveryStatus.StoreFull or DeliveryStatus.OverQuota);
            full |= status == DeliveryStatus.StoreFull;
            overQuota |= status == DeliveryStatus.OverQuota;
        }

        // A mailbox that went away between RCPT and the end of DATA: the client's repeat hears at RCPT what is right then, 550 or, where the
        // address has another mailbox now, 250.
        var reply = unavailable ? SmtpReply.LocalError451
            : full ? SmtpReply.SystemFull452
            : overQuota ? SmtpReply.MailboxFull452
            : new SmtpReply(250, new EnhancedCode(0, 0), origin.TraceId);
        return new HandOverOutcome(reply, mayBeKept);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Where {Address} leads could not be asked again: {Why}")]
    private partial void LogNotAsked(LogText address, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Blob {Blob} is left for the sweeper: {Why}")]
    private partial void LogLeftForSweeper(string blob, string why);
}
