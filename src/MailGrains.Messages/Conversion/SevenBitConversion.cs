using MailGrains.Messages.Summaries;

namespace MailGrains.Messages.Conversion;

public enum ConversionVerdict
{
    /// <summary>Any server takes it as it is.</summary>
    NotNeeded = 0,
    Convertible = 1,

    /// <summary>It stays here: <see cref="SevenBitConversion.Status"/> says why.</summary>
    NotConvertible = 2,
}

/// <param name="MaxBytes">A larger content is not converted.</param>
/// <param name="MayEncodeHeader">
/// The message came without SMTPUTF8: octets over 127 in its header are a mistake that RFC 2047 mends. Else they keep it here.
/// </param>
public readonly record struct ConversionTerms(long MaxBytes, bool MayEncodeHeader);

/// <summary>
/// Turns a message into one that a server without 8BITMIME takes (RFC 6152 §3): 7bit, lines of 998 octets at most. A content is read twice, forward
/// only, a few KiB at a time: once to look at it, once to write it. Bodies that need it are encoded and their parts' headers say so; all else keeps its octets,
/// and so does everything inside of a signature. The same content gives the same octets, and what is converted needs no conversion.
/// </summary>
public sealed class SevenBitConversion
{
    private readonly List<Segment> _segments;

    private SevenBitConversion(List<Segment> segments, ConversionVerdict verdict, string status, string reason)
    {
        _segments = segments;
        Verdict = verdict;
        Status = status;
        Reason = reason;
    }

    public ConversionVerdict Verdict { get; }

    /// <summary>With <see cref="ConversionVerdict.NotConvertible"/>: 5.6.3, 5.6.9 or 5.3.4; else empty.</summary>
    public string Status { get; }

    /// <summary>The same in words, for a report.</summary>
    public string Reason { get; }

    /// <summary>Looks at a content. What the stream throws is the caller's.</summary>
    /// <param name="content">The one that <paramref name="summary"/> was made of.</param>
    /// <exception cref="InvalidDataException">It is another one.</exception>
    public static async Task<SevenBitConversion> PlanAsync(
        Stream content, MessageSummary summary, ConversionTerms terms, CancellationToken cancellationToken)
    {
        if (summary.Size > terms.MaxBytes)
        {
            return Not("5.3.4", "the message is too large to be converted for a server without 8BITMIME");
        }

        var segments = Segmentation.Of(summary);
        await new SegmentScan(terms.MayEncodeHeader).ReadAsync(content, segments, cancellationToken).ConfigureAwait(false);
        return segments.TrueForAll(segment => segment.IsSevenBit) ? new SevenBitConversion(segments, ConversionVerdict.NotNeeded, "", "")
            : summary.IsOpaque || summary.HeaderLength == 0 ? Not("5.6.3", "the message can't be taken apart, to be converted for a server without 8BITMIME")
            : Refuse(segments) ?? new SevenBitConversion(Decide(segments), ConversionVerdict.Convertible, "", "");
    }

    /// <summary>Octets of the converted content.</summary>
    /// <param name="content">The same again.</param>
    public async Task<long> MeasureAsync(Stream content, CancellationToken cancellationToken)
    {
        var count = 0L;
        await WriteAsync(content, piece => { count += piece.Length; return ValueTask.CompletedTask; }, cancellationToken).ConfigureAwait(false);
        return count;
    }

    /// <summary>Writes the converted content.</summary>
    /// <param name="content">The same again.</param>
    public Task WriteAsync(Stream content, Stream output, CancellationToken cancellationToken) =>
        WriteAsync(content, piece => output.WriteAsync(piece, cancellationToken), cancellationToken);

    private Task WriteAsync(Stream content, Func<ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellationToken) =>
        Verdict == ConversionVerdict.Convertible
            ? new SegmentWriter(write).ReadAsync(content, _segments, cancellationToken)
            : throw new InvalidOperationException("There is nothing to convert, or no way.");

    private static SevenBitConversion Not(string status, string reason) => new([], ConversionVerdict.NotConvertible, status, reason);

    private static SevenBitConversion? Refuse(List<Segment> segments)
    {
        foreach (var segment in segments.Where(segment => !segment.IsSevenBit))
        {
            if (segment.IsSealed)
            {
                // RFC 1847 §2.1: it was to be 7bit before it was signed.
                return Not("5.6.3", "the message is signed or encrypted, and a server without 8BITMIME can't get it unchanged");
            }

            if (segment.IsStuck)
            {
                // RFC 6531 §3.5
                return (segment.Needs & ContentNeeds.EightBit) != 0
                    ? Not("5.6.9", "the header of the message needs SMTPUTF8")
                    : Not("5.6.3", "the header of the message can't be converted");
            }

            if (segment.Kind == SegmentKind.Body && BodyEncoding.Of(segment) is null)
            {
                return Not("5.6.3", $"a part of the message ({segment.Part.Type}/{segment.Part.Subtype}) can't be converted for a server without 8BITMIME");
            }
        }

        return null;
    }

    /// <summary>Sets what the headers are to say. A part's header stands right before its body.</summary>
    private static List<Segment> Decide(List<Segment> segments)
    {
        for (var i = 0; i < segments.Count; i++)
        {
            var header = segments[i];
            if (header.Kind != SegmentKind.Header || header.IsSealed)
            {
                continue;
            }

            if (i + 1 < segments.Count && segments[i + 1] is { Kind: SegmentKind.Body, IsSevenBit: false } body)
            {
                header.TransferEncoding = BodyEncoding.Of(body);
                header.Charset = (body.Needs & ContentNeeds.EightBit) == 0 ? null : body.IsUtf8 ? "utf-8" : "unknown-8bit";
            }
            else if (BodyEncoding.Declared(header.Part) is "8bit" or "binary")
            {
                // RFC 2045 §6.2: true now of whatever is inside.
                header.TransferEncoding = "7bit";
            }
        }

        return segments;
    }
}
