using System.Buffers;
using System.Text;

namespace MailGrains.Messages.Conversion;

/// <summary>Notes of each segment what it holds that is not 7bit, and whether its header has a form that is.</summary>
internal sealed class SegmentScan(bool mayEncodeHeader) : SegmentVisitor
{
    private readonly ArrayBufferWriter<byte> _header = new();
    private readonly Utf8Check _utf8 = new();
    private Segment _segment = null!;
    private ContentScan _scan = new();

    protected override void Begin(Segment segment)
    {
        _segment = segment;
        _scan = new ContentScan();
        _utf8.Reset();
        _header.Clear();
    }

    protected override void Take(ReadOnlySpan<byte> piece)
    {
        _scan.Append(piece);
        if (_segment.Kind == SegmentKind.Header)
        {
            // No longer than SummaryLimits.MaxHeaderBytes, else the message is opaque.
            _header.Write(piece);
        }
        else if (!Ascii.IsValid(piece))
        {
            _segment.EightBitOctets += piece.Length - Count(piece);
            _utf8.Append(piece);
        }
        else
        {
            // Text of US-ASCII needs no more than this, and a sequence that it cuts off is invalid.
            _utf8.EndSequence();
        }
    }

    protected override void End()
    {
        _segment.Needs = _scan.Finish() & ~ContentNeeds.EightBitHeader;
        _segment.IsUtf8 = _utf8.Finish();
        if (_segment.Kind == SegmentKind.Header && !_segment.IsSevenBit)
        {
            var keepsUtf8 = _segment.IsMessageHeader && !mayEncodeHeader && (_segment.Needs & ContentNeeds.EightBit) != 0;
            _segment.IsStuck = keepsUtf8 || SevenBitHeader.Encode(_header.WrittenSpan) is null;
        }
    }

    protected override ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private static int Count(ReadOnlySpan<byte> piece)
    {
        var ascii = 0;
        foreach (var octet in piece)
        {
            ascii += octet <= 127 ? 1 : 0;
        }

        return ascii;
    }
}

/// <summary>Whether octets that come in pieces are UTF-8.</summary>
internal sealed class Utf8Check
{
    private readonly Decoder _decoder = new UTF8Encoding(false, throwOnInvalidBytes: true).GetDecoder();
    private bool _isInvalid;

    public void Reset()
    {
        _decoder.Reset();
        _isInvalid = false;
    }

    public void Append(ReadOnlySpan<byte> piece) => Check(piece, flush: false);

    /// <summary>A piece of US-ASCII comes.</summary>
    public void EndSequence() => Check([], flush: true);

    public bool Finish()
    {
        Check([], flush: true);
        return !_isInvalid;
    }

    private void Check(ReadOnlySpan<byte> piece, bool flush)
    {
        try
        {
            if (!_isInvalid)
            {
                Span<char> chars = stackalloc char[512];
                var completed = false;
                while (!completed)
                {
                    _decoder.Convert(piece, chars, flush, out var used, out _, out completed);
                    piece = piece[used..];
                }
            }
        }
        catch (DecoderFallbackException)
        {
            _isInvalid = true;
        }
    }
}
