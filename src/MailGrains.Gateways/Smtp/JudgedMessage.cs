using System.Collections.Immutable;
using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>A message that has come whole and may go on: what all its copies have in common.</summary>
/// <param name="Trace">Our header fields above the content.</param>
/// <param name="IsJunk">A filter took it for unwanted.</param>
public sealed record JudgedMessage(Transaction Transaction, MessageOrigin Origin, IncomingContent Content, byte[] Trace, bool IsJunk)
{
    public ulong ThreadId { get; } = Content.Summary.ThreadId() ?? Origin.Email.Low;

    /// <param name="recipient">A recipient as given, or an address at another server.</param>
    public DeliveryId IdOf(string recipient) =>
        Content.HasMessageId ? DeliveryId.Of(Transaction.ReversePath.Text, recipient, Content.Hash) : DeliveryId.None;

    public DeliveryRequest For(Hop hop) => new(
        hop.Target.Mailbox, IdOf(hop.Recipient), Origin.TraceId, Transaction.ReversePath.Text, hop.Recipient, hop.Target.Detail, Trace,
        Content.BodyFor(hop.Target.Mailbox.Tenant), Content.EncodedSummary, ThreadId, Origin.ReceivedAt, Origin.Email)
    {
        OtherIds = OtherIdsOf(hop.Recipient, hop.Others),
        IsJunk = IsJunk,
    };

    /// <summary>A copy that goes by a queue.</summary>
    public QueuedRecipient For(QueuedCopy copy) => CopyOf(copy) with
    {
        ExpandedFrom = IsJunk ? null : copy.List,
    };

    private QueuedRecipient CopyOf(QueuedCopy copy) => copy.Target.Mailbox is { } local
        ? QueuedFor(copy.Recipient, local, copy.Others)
        : new QueuedRecipient(copy.Target.ForwardPath, IdOf(copy.Target.ForwardPath))
        {
            Notify = NotifyOf(copy.Recipient),
            OriginalRecipient = OriginalOf(copy),
            ReversePath = copy.Target.ReversePath,
            IsJunk = IsJunk,
        };

    /// <summary>A copy that a mailbox did not take.</summary>
    public QueuedRecipient QueuedFor(Hop hop) =>
        QueuedFor(Transaction.Recipients.First(r => r.ForwardPath == hop.Recipient), hop.Target, hop.Others);

    public QueuedMessage For(ImmutableArray<QueuedRecipient> recipients, MessageBody body)
    {
        var parameters = Transaction.Parameters;
        return new QueuedMessage(
            Origin.Email, Origin.TraceId, Transaction.ReversePath.Text, recipients, Trace, body, Content.EncodedSummary, ThreadId, Origin.ReceivedAt)
        {
            Needs = NeedsFor(recipients),
            Return = (ReturnContent)parameters.Return,
            EnvelopeId = parameters.EnvelopeId,
            NotBefore = parameters.FutureRelease?.ReleaseAt,
            DeliverBy = parameters.DeliverBy is { } by ? new DeliverBy(by.At, by.Returns, by.Trace) : null,
            Priority = parameters.Priority,
            Submitter = Origin.Login,
            ReceivedFrom = Origin.Hello.Name,
        };
    }

    private QueuedRecipient QueuedFor(AcceptedRecipient recipient, LocalTarget target, IReadOnlyList<string> others) =>
        new(recipient.ForwardPath, IdOf(recipient.ForwardPath))
        {
            Mailbox = target.Mailbox,
            Detail = target.Detail,
            IsJunk = IsJunk,
            OtherIds = OtherIdsOf(recipient.ForwardPath, others),
            Notify = NotifyOf(recipient),
            OriginalRecipient = recipient.Parameters.OriginalRecipient?.ToString(),
        };

    private ImmutableArray<DeliveryId> OtherIdsOf(string recipient, IReadOnlyList<string> others) => Content.HasMessageId
        ? [.. others.Where(o => o != recipient).Distinct().Take(DeliveryRequest.MaxOtherIds).Select(IdOf)]
        : [];

    // RFC 3461 §5.2.7.3: whoever has reached a list hears of no member's success. Nor does a sender of junk, which is seldom the one who is named.
    private NotifyOn NotifyOf(AcceptedRecipient recipient)
    {
        var notify = (NotifyOn)recipient.Parameters.Notify;
        return !recipient.IsList && !IsJunk ? notify
            : notify == NotifyOn.Success ? NotifyOn.Never
            : notify & ~NotifyOn.Success;
    }

    // RFC 3461 §5.2.7: the address that the sender knows, not the one that an alias has in its place.
    private static string? OriginalOf(QueuedCopy copy) =>
        copy.Recipient.Parameters.OriginalRecipient?.ToString() ??
        (copy.Target.IsForwarded ? $"{(Ascii.IsValid(copy.Recipient.ForwardPath) ? "rfc822" : "utf-8")};{copy.Recipient.ForwardPath}" : null);

    private MessageNeeds NeedsFor(ImmutableArray<QueuedRecipient> recipients)
    {
        var parameters = Transaction.Parameters;
        var needs = parameters.Body switch
        {
            BodyType.BinaryMime => MessageNeeds.BinaryMime | MessageNeeds.EightBitMime,
            BodyType.EightBitMime => MessageNeeds.EightBitMime,
            _ => Content.IsSevenBit ? MessageNeeds.None : MessageNeeds.EightBitMime,
        };

        // An alias may lead to an address that its sender could not have written.
        if (parameters.SmtpUtf8 || recipients.Any(r => !Ascii.IsValid(r.ForwardPath)))
        {
            needs |= MessageNeeds.SmtpUtf8;
        }

        // RFC 8689 §4.1: the field says nothing where the parameter was given.
        return parameters.RequireTls ? needs | MessageNeeds.RequireTls
            : Content.Summary.TlsIsOptional ? needs | MessageNeeds.TlsOptional
            : needs;
    }
}
