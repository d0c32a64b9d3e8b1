using MailGrains.Messages.Conversion;
using MailGrains.Messages.Summaries;

namespace MailGrains.Messages.Dsn;

/// <summary>The message that a report is about, as far as a report holds it.</summary>
public sealed class ReturnedMessage
{
    /// <summary>Of a message that is returned whole.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Of a header that is returned alone; what is longer is cut between two fields.</summary>
    public const int MaxHeaderBytes = 20 * 1024;

    private const int MaxIdChars = 250;
    private const int MaxSubjectChars = 200;

    private static readonly SummaryReader Reader = new();

    private ReturnedMessage(ReadOnlyMemory<byte> content, bool isWhole)
    {
        var summary = Reader.Read(content);
        Header = Cut(content[..(int)summary.HeaderLength]);
        var needs = ContentScan.Of(content.Span);
        IsEightBit = (needs & ContentNeeds.EightBit) != 0;
        HasEightBitHeader = (needs & ContentNeeds.EightBitHeader) != 0;
        // RFC 2046 §5.2.1: message/rfc822 is not encoded, so nothing goes in that needs to be.
        var isFit = (needs & (ContentNeeds.Nul | ContentNeeds.LongLines | ContentNeeds.BareLineEnds)) == 0;
        Whole = isWhole && isFit ? content : (ReadOnlyMemory<byte>?)null;
        var id = HeaderValue.FirstMessageId(summary.Envelope.MessageId);
        MessageId = id is { Length: <= MaxIdChars } && !id.Any(c => char.IsWhiteSpace(c) || c is '<' or '>') ? id : null;
        Subject = PlainText.Of(HeaderValue.Decode(summary.Envelope.Subject ?? "").Trim(), MaxSubjectChars);
    }

    /// <summary>Whole fields; lines as they came.</summary>
    internal ReadOnlyMemory<byte> Header { get; }

    /// <summary>Null: too large, or not fit to be returned as it is.</summary>
    internal ReadOnlyMemory<byte>? Whole { get; }

    internal bool IsEightBit { get; }

    internal bool HasEightBitHeader { get; }

    internal string? MessageId { get; }

    /// <summary>Decoded, for people; empty where there is none.</summary>
    internal string Subject { get; }

    /// <param name="content">With our own trace fields; all of it, or its beginning, the header section at least.</param>
    /// <param name="isWhole">It is all of it.</param>
    public static ReturnedMessage Of(ReadOnlyMemory<byte> content, bool isWhole) =>
        content.Length > MaxBytes ? new ReturnedMessage(content[..MaxBytes], isWhole: false) : new ReturnedMessage(content, isWhole);

    /// <summary>Reads no more of the content than a report can hold.</summary>
    /// <param name="trace">What stands before the content: whole lines ending in CRLF.</param>
    public static async Task<ReturnedMessage> ReadAsync(ReadOnlyMemory<byte> trace, Stream content, CancellationToken cancellationToken)
    {
        var bytes = new byte[MaxBytes + 1];
        var length = Math.Min(trace.Length, bytes.Length);
        trace[..length].CopyTo(bytes);
        var room = bytes.AsMemory(length);
        length += await content.ReadAtLeastAsync(room, room.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return Of(bytes.AsMemory(0, length), isWhole: length <= MaxBytes);
    }

    private static ReadOnlyMemory<byte> Cut(ReadOnlyMemory<byte> header)
    {
        var fields = header.Span;
        var end = fields.EndsWith("\r\n\r\n"u8) ? fields.Length - 2 : fields.Length;
        if (end <= MaxHeaderBytes)
        {
            return header[..end];
        }

        for (end = MaxHeaderBytes; end > 0 && !(fields[..end].EndsWith("\r\n"u8) && fields[end] is not ((byte)' ' or (byte)'\t')); end--)
        {
        }

        return header[..end];
    }
}
