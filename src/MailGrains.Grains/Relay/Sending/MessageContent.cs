using System.Globalization;
using System.Text;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Storage.Bodies;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>A queued message as the client sends it; a body in the store is read as it goes.</summary>
internal sealed class MessageContent(RelayMessage order, BodyBlobs blobs)
{
    private readonly QueuedMessage _message = order.Message;
    private readonly OutgoingContent _content = new(Head(order), order.Message.Body.Length, cancellationToken => OpenAsync(order.Message, blobs, cancellationToken));

    /// <param name="recipients">Indexes.</param>
    public OutgoingMail Mail(string reversePath, List<int> recipients, Func<CancellationToken, ValueTask<bool>> mayEnd) =>
        // Only the texts count, and the client checks them.
        new(new ReversePath(null, reversePath), Parameters(), recipients.ConvertAll(Recipient), _content) { MayEnd = mayEnd };

    private static ReadOnlyMemory<byte> Head(RelayMessage order) => order.IsUncertain
        ? (byte[])[.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"X-MailGrains-Repeat: attempt {order.Attempt}; an earlier one may have arrived\r\n")), .. order.Message.Trace]
        : order.Message.Trace;

    private static async ValueTask<Stream> OpenAsync(QueuedMessage message, BodyBlobs blobs, CancellationToken cancellationToken) => message.Body switch
    {
        { Inline: { } inline } => new MemoryStream(inline, writable: false),
        { Blob: { } blob } => await blobs.OpenAsync(blob, cancellationToken),
        _ => Stream.Null,
    };

    private MailParameters Parameters()
    {
        var needs = _message.Needs;
        var body = (needs & MessageNeeds.BinaryMime) != 0 ? BodyType.BinaryMime
            : (needs & MessageNeeds.EightBitMime) != 0 ? BodyType.EightBitMime
            : BodyType.SevenBit;
        return new MailParameters(null, body, _message.NeedsSmtpUtf8)
        {
            Return = (DsnReturn)_message.Return,
            EnvelopeId = _message.EnvelopeId,
            DeliverBy = _message.DeliverBy is { } by ? new DeliverByTime(by.At, by.Returns, by.Trace) : null,
            Priority = _message.Priority,
            RequireTls = (needs & MessageNeeds.RequireTls) != 0,
        };
    }

    private OutgoingRecipient Recipient(int index)
    {
        var recipient = _message.Recipients[index];
        return new OutgoingRecipient(new ForwardPath(null, recipient.ForwardPath))
        {
            Parameters = new RcptParameters { Notify = (DsnNotify)recipient.Notify, OriginalRecipient = Original(recipient.OriginalRecipient) },
        };
    }

    private static OriginalRecipient? Original(string? text)
    {
        var semicolon = text?.IndexOf(';', StringComparison.Ordinal) ?? -1;
        return semicolon > 0 ? new OriginalRecipient(text![..semicolon], text[(semicolon + 1)..]) : null;
    }
}
