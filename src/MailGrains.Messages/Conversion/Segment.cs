using MailGrains.Messages.Summaries;

namespace MailGrains.Messages.Conversion;

internal enum SegmentKind
{
    /// <summary>The header of a message or part, with its empty line.</summary>
    Header,

    /// <summary>The body of a part that has none inside.</summary>
    Body,

    /// <summary>Boundary lines, and what stands before the first and after the last part of a multipart.</summary>
    Between,
}

/// <summary>A stretch of a content, and what was found in it. Segments follow each other without gaps.</summary>
internal sealed class Segment(SegmentKind kind, BodyPart part, long length)
{
    public SegmentKind Kind => kind;

    /// <summary>Whose header or body it is, or in whose body it lies.</summary>
    public BodyPart Part => part;

    public long Length => length;

    /// <summary>It is inside of a multipart/signed or multipart/encrypted: not an octet may change (RFC 1847 §2.1).</summary>
    public bool IsSealed { get; init; }

    /// <summary>The header of a message, the one that is converted or one that it carries.</summary>
    public bool IsMessageHeader { get; init; }

    /// <summary>Nothing follows it.</summary>
    public bool IsLast { get; set; }

    public ContentNeeds Needs { get; set; }

    /// <summary>Of a body: octets over 127.</summary>
    public long EightBitOctets { get; set; }

    /// <summary>Of a body: they are UTF-8.</summary>
    public bool IsUtf8 { get; set; }

    /// <summary>Of a header: the new Content-Transfer-Encoding of its part; null: stays.</summary>
    public string? TransferEncoding { get; set; }

    /// <summary>Of a header whose part gets encoded: the charset of its text, where no Content-Type says it.</summary>
    public string? Charset { get; set; }

    /// <summary>Of a header: there is no way to say in 7bit what it says.</summary>
    public bool IsStuck { get; set; }

    public bool IsSevenBit => Needs == ContentNeeds.None;

    public bool IsHeaderToRewrite => kind == SegmentKind.Header && !IsSealed && (!IsSevenBit || TransferEncoding is not null);
}

/// <summary>Cuts a content into segments by its summary, whose offsets are known to lie inside of each other.</summary>
internal sealed class Segmentation
{
    private readonly List<Segment> _segments = [];
    private long _at;

    public static List<Segment> Of(MessageSummary summary)
    {
        var segmentation = new Segmentation();
        segmentation.Add(summary.Body, isSealed: false, isMessage: true);
        segmentation.AddBetween(summary.Body, summary.Size, isSealed: false);
        segmentation._segments[^1].IsLast = true;
        return segmentation._segments;
    }

    private void Add(BodyPart part, bool isSealed, bool isMessage)
    {
        Add(SegmentKind.Header, part, part.BodyOffset, isSealed, isMessage);
        var end = part.BodyOffset + part.BodyLength;

        // RFC 6532 §3.7: message/global may be encoded as a whole, and has UTF-8 where it is not.
        if (part.Parts.IsEmpty || (part.Type == "message" && part.Subtype != "rfc822"))
        {
            Add(SegmentKind.Body, part, end, isSealed, isMessage: false);
            return;
        }

        var sealsParts = isSealed || (part.IsMultipart && part.Subtype is "signed" or "encrypted");
        foreach (var child in part.Parts)
        {
            AddBetween(part, child.HeaderOffset, sealsParts);
            Add(child, sealsParts, isMessage: !part.IsMultipart);
        }

        AddBetween(part, end, sealsParts);
    }

    private void AddBetween(BodyPart part, long end, bool isSealed) => Add(SegmentKind.Between, part, end, isSealed, isMessage: false);

    private void Add(SegmentKind kind, BodyPart part, long end, bool isSealed, bool isMessage)
    {
        // A part's header has a segment even where it is empty: a field may have to be added.
        if (end > _at || kind == SegmentKind.Header)
        {
            _segments.Add(new Segment(kind, part, end - _at) { IsSealed = isSealed, IsMessageHeader = kind == SegmentKind.Header && isMessage });
            _at = end;
        }
    }
}

/// <summary>What is done with the segments of a content while it is read once.</summary>
internal abstract class SegmentVisitor
{
    protected abstract void Begin(Segment segment);

    protected abstract void Take(ReadOnlySpan<byte> piece);

    protected abstract void End();

    protected abstract ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <exception cref="InvalidDataException">The content is not the one that the segments were made of.</exception>
    public async Task ReadAsync(Stream content, List<Segment> segments, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        var (at, end) = (0, 0);
        foreach (var segment in segments)
        {
            Begin(segment);
            for (var left = segment.Length; left > 0;)
            {
                if (at == end)
                {
                    (at, end) = (0, await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));
                    if (end == 0)
                    {
                        throw new InvalidDataException("The content is shorter than its summary says.");
                    }
                }

                var count = (int)Math.Min(left, end - at);
                Take(buffer.AsSpan(at, count));
                at += count;
                left -= count;
                await FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            End();
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        if (at < end || await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) > 0)
        {
            throw new InvalidDataException("The content is longer than its summary says.");
        }
    }
}
