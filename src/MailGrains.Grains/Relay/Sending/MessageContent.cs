using System.Globalization;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Storage.Bodies;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>A queued message as the client sends it; a body in the store is read as it goes.</summary>
internal sealed class MessageContent
{
    private readonly QueuedMessage _message;
    private readonly BodyBlobs _blobs;
    private readonly ReadOnlyMemory<byte> _head;
    private readonly MessageForm _form;
    private SevenBitContent? _sevenBit;

    public MessageContent(RelayMessage order, BodyBlobs blobs)
    {
        (_message, _blobs, _head) = (order.Message, blobs, Head(order));
        var needs = _message.Needs;
        var body = (needs & MessageNeeds.BinaryMime) != 0 ? BodyType.BinaryMime
            : (needs & MessageNeeds.EightBitMime) != 0 ? BodyType.EightBitMime
            : BodyType.SevenBit;
        _form = new MessageForm(new OutgoingContent(_head, _message.Body.Length, OpenAsync), body, _message.NeedsSmtpUtf8);
    }

    /// <summary>What a server gets that offers this; what it lacks is made up for where that is possible.</summary>
    /// <remarks>Never throws for what the store does: that is a temporary refusal.</remarks>
    public ValueTask<FormResult> FormAsync(SmtpCapabilities offered, CancellationToken cancellationToken)
    {
        if ((_message.Needs & MessageNeeds.RequireTls) != 0 && !offered.RequireTls)
        {
            // RFC 8689 §4.2.1
            return new(FormResult.Refused(550, "5.7.30", "the message is to travel by servers that know REQUIRETLS, and this one does not"));
        }

        var takesBody = _form.Body switch
        {
            BodyType.BinaryMime => offered.BinaryMime,
            BodyType.EightBitMime => offered.EightBitMime,
            _ => true,
        };
        var takesUtf8 = !_form.SmtpUtf8 || offered.SmtpUtf8;
        return takesBody && takesUtf8 ? new(new FormResult(_form, null)) : ConvertAsync(takesBody, takesUtf8, cancellationToken);
    }

    /// <param name="recipients">Indexes.</param>
    public OutgoingMail Mail(MessageForm form, string reversePath, List<int> recipients, Func<CancellationToken, ValueTask<bool>> mayEnd) =>
        // Only the texts count, and the client checks them.
        new(new ReversePath(null, Path(form, reversePath)), Parameters(form), recipients.ConvertAll(index => Recipient(form, index)), form.Content) { MayEnd = mayEnd };

    private static ReadOnlyMemory<byte> Head(RelayMessage order) => order.IsUncertain
        ? (byte[])[.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"X-MailGrains-Repeat: attempt {order.Attempt}; an earlier one may have arrived\r\n")), .. order.Message.Trace]
        : order.Message.Trace;

    private async ValueTask<Stream> OpenAsync(CancellationToken cancellationToken) => _message.Body switch
    {
        { Inline: { } inline } => new MemoryStream(inline, writable: false),
        { Blob: { } blob } => await _blobs.OpenAsync(blob, cancellationToken),
        _ => Stream.Null,
    };

    private async ValueTask<FormResult> ConvertAsync(bool takesBody, bool takesUtf8, CancellationToken cancellationToken)
    {
        var form = _form;
        try
        {
            _sevenBit ??= await SevenBitContent.PlanAsync(_message, OpenAsync, cancellationToken);
            if (!takesUtf8)
            {
                // RFC 6531 §3.2: where only domains are internationalized, there is another way to write them.
                if (!_sevenBit.HasPlainHeader || !Ascii.IsValid(_head.Span) || !HaveALabels())
                {
                    return FormResult.Refused(550, "5.6.7", "an address or the header is internationalized, and the server does not take that (SMTPUTF8)");
                }

                form = form with { SmtpUtf8 = false, HasALabels = true };
            }

            if (takesBody)
            {
                return new FormResult(form, null);
            }

            return _sevenBit.Refusal is { } refusal
                ? FormResult.Refused(554, refusal.Status, refusal.Reason)
                : new FormResult(form with { Body = BodyType.SevenBit, Content = await _sevenBit.ContentAsync(_head, form.Content, cancellationToken) }, null);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return FormResult.Refused(451, "4.3.0", "the message could not be read, to be converted for the server");
        }
    }

    private MailParameters Parameters(MessageForm form) => new(null, form.Body, form.SmtpUtf8)
    {
        Return = (DsnReturn)_message.Return,
        EnvelopeId = _message.EnvelopeId,
        DeliverBy = _message.DeliverBy is { } by ? new DeliverByTime(by.At, by.Returns, by.Trace) : null,
        Priority = _message.Priority,
        RequireTls = (_message.Needs & MessageNeeds.RequireTls) != 0,
    };

    private OutgoingRecipient Recipient(MessageForm form, int index)
    {
        var recipient = _message.Recipients[index];
        return new OutgoingRecipient(new ForwardPath(null, Path(form, recipient.ForwardPath)))
        {
            Parameters = new RcptParameters { Notify = (DsnNotify)recipient.Notify, OriginalRecipient = Original(recipient.OriginalRecipient) },
        };
    }

    private bool HaveALabels() => ALabels(_message.ReversePath) is not null &&
        _message.Recipients.All(recipient => ALabels(recipient.ForwardPath) is not null && ALabels(recipient.ReversePath ?? "") is not null);

    private static string Path(MessageForm form, string path) => form.HasALabels ? ALabels(path)! : path;

    /// <returns>Null: the localpart needs more than US-ASCII, or the domain has no other form.</returns>
    private static string? ALabels(string path)
    {
        var at = path.LastIndexOf('@');
        return Ascii.IsValid(path) ? path
            : at > 0 && Ascii.IsValid(path.AsSpan(0, at)) && AddressName.TryNormalizeDomain(path[(at + 1)..], out var domain) ? $"{path[..at]}@{domain}"
            : null;
    }

    private static OriginalRecipient? Original(string? text)
    {
        var semicolon = text?.IndexOf(';', StringComparison.Ordinal) ?? -1;
        return semicolon > 0 ? new OriginalRecipient(text![..semicolon], text[(semicolon + 1)..]) : null;
    }
}
