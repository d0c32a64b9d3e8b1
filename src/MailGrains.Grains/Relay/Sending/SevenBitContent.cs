using System.IO.Pipelines;
using MailGrains.Contracts.Queues;
using MailGrains.Messages.Conversion;
using MailGrains.Messages.Summaries;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>A message's content for a server without 8BITMIME (RFC 6152 §3) or BINARYMIME (RFC 3030 §3), made anew each time that it is read.</summary>
internal sealed class SevenBitContent
{
    /// <summary>It is read three times.</summary>
    private const long MaxBytes = 64 << 20;

    private const string NeedsUtf8 = "5.6.9";

    private readonly SevenBitConversion _conversion;
    private readonly Func<CancellationToken, ValueTask<Stream>> _open;
    private OutgoingContent? _content;

    private SevenBitContent(SevenBitConversion conversion, Func<CancellationToken, ValueTask<Stream>> open) => (_conversion, _open) = (conversion, open);

    /// <summary>Nothing of the header needs SMTPUTF8, as far as could be found out.</summary>
    public bool HasPlainHeader => _conversion.Verdict != ConversionVerdict.NotConvertible || (_conversion.Status != NeedsUtf8 && !IsUnread);

    public (string Status, string Reason)? Refusal => _conversion.Verdict == ConversionVerdict.NotConvertible ? (_conversion.Status, _conversion.Reason) : null;

    // Too large to be looked at.
    private bool IsUnread => _conversion.Status == "5.3.4";

    /// <exception cref="Exception">The content can't be read.</exception>
    public static async Task<SevenBitContent> PlanAsync(
        QueuedMessage message, Func<CancellationToken, ValueTask<Stream>> open, CancellationToken cancellationToken)
    {
        await using var content = await open(cancellationToken);
        var terms = new ConversionTerms(MaxBytes, MayEncodeHeader: !message.NeedsSmtpUtf8);
        return new SevenBitContent(
            await SevenBitConversion.PlanAsync(content, MessageSummary.Decode(message.Summary), terms, cancellationToken), open);
    }

    /// <exception cref="Exception">The content can't be read.</exception>
    public async ValueTask<OutgoingContent> ContentAsync(ReadOnlyMemory<byte> head, OutgoingContent plain, CancellationToken cancellationToken)
    {
        if (_content is null && _conversion.Verdict == ConversionVerdict.Convertible)
        {
            await using var content = await _open(cancellationToken);
            _content = new OutgoingContent(head, await _conversion.MeasureAsync(content, cancellationToken), OpenAsync);
        }

        return _content ?? plain;
    }

    /// <summary>The converted content; who converts and who reads run beside each other, a pipe's worth apart.</summary>
    private async ValueTask<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        var content = await _open(cancellationToken);
        var pipe = new Pipe();
        _ = WriteAsync(content, pipe.Writer, cancellationToken);
        return pipe.Reader.AsStream();
    }

    private async Task WriteAsync(Stream content, PipeWriter writer, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            await using (content)
            {
                await _conversion.WriteAsync(content, writer.AsStream(leaveOpen: true), cancellationToken);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            failure = e;
        }

        // The reader hears of it; where it has gone, nobody needs to.
        await writer.CompleteAsync(failure);
    }
}
