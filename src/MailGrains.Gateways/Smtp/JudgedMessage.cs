using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
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

    public ImmutableArray<DeliveryId> OtherIdsOf(Hop hop) => Content.HasMessageId
        ? [.. hop.Others.Where(o => o != hop.Recipient).Distinct().Take(DeliveryRequest.MaxOtherIds).Select(IdOf)]
        : [];

    public DeliveryRequest For(Hop hop) => new(
        hop.Target.Mailbox, IdOf(hop.Recipient), Origin.TraceId, Transaction.ReversePath.Text, hop.Recipient, hop.Target.Detail, Trace,
        Content.BodyFor(hop.Target.Mailbox.Tenant), Content.EncodedSummary, ThreadId, Origin.ReceivedAt, Origin.Email)
    {
        OtherIds = OtherIdsOf(hop),
        IsJunk = IsJunk,
    };

    public QueuedMessage For(ImmutableArray<QueuedRecipient> recipients, MessageBody body) => new(
        Origin.Email, Origin.TraceId, Transaction.ReversePath.Text, recipients, Trace, body, Content.EncodedSummary, ThreadId, Origin.ReceivedAt)
    {
        Needs = Needs(),
        Submitter = Origin.Login,
        ReceivedFrom = Origin.Hello.Name,
    };

    private MessageNeeds Needs()
    {
        var parameters = Transaction.Parameters;
        var needs = parameters.SmtpUtf8 ? MessageNeeds.SmtpUtf8 : MessageNeeds.None;
        return parameters.Body switch
        {
            BodyType.BinaryMime => needs | MessageNeeds.BinaryMime | MessageNeeds.EightBitMime,
            BodyType.EightBitMime => needs | MessageNeeds.EightBitMime,
            _ => Content.IsSevenBit ? needs : needs | MessageNeeds.EightBitMime,
        };
    }
}
