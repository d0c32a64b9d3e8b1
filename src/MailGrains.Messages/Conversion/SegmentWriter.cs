using System.Buffers;
using MimeKit.Encodings;

namespace MailGrains.Messages.Conversion;

/// <summary>Writes the converted form of each segment.</summary>
internal sealed class SegmentWriter(Func<ReadOnlyMemory<byte>, ValueTask> write) : SegmentVisitor
{
    private const int FlushBytes = 16 * 1024;

    private readonly ArrayBufferWriter<byte> _output = new(FlushBytes * 2);
    private readonly ArrayBufferWriter<byte> _header = new();
    private Segment _segment = null!;
    private PlainLines? _between;
    private TransferEncoder? _encoder;
    private IMimeDecoder? _decoder;

    protected override void Begin(Segment segment)
    {
        _segment = segment;
        _header.Clear();
        (_between, _encoder, _decoder) = (null, null, null);
        if (segment.IsSevenBit)
        {
            return;
        }

        if (segment.Kind == SegmentKind.Between)
        {
            _between = new PlainLines();
        }
        else if (segment.Kind == SegmentKind.Body)
        {
            _encoder = BodyEncoding.Of(segment) == BodyEncoding.QuotedPrintable ? new QuotedPrintableEncoder() : new Base64Encoder();
            _decoder = BodyEncoding.Decoder(segment.Part);
        }
    }

    protected override void Take(ReadOnlySpan<byte> piece)
    {
        if (_encoder is not null)
        {
            Encode(piece, _encoder);
        }
        else if (_between is not null)
        {
            _between.Append(piece, _output);
        }
        else if (_segment.IsHeaderToRewrite)
        {
            _header.Write(piece);
        }
        else
        {
            _output.Write(piece);
        }
    }

    protected override void End()
    {
        _encoder?.Finish(_output);
        _between?.Finish(_output);
        if (_encoder is Base64Encoder && _segment.IsLast)
        {
            // A message ends with a line end; elsewhere the one before the boundary is there already.
            _output.Write("\r\n"u8);
        }

        if (_segment.IsHeaderToRewrite)
        {
            _output.Write(SevenBitHeader.Rewrite(_header.WrittenSpan, _segment)!);
        }
    }

    protected override async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_output.WrittenCount > 0)
        {
            await write(_output.WrittenMemory).ConfigureAwait(false);
            _output.ResetWrittenCount();
        }
    }

    private void Encode(ReadOnlySpan<byte> piece, TransferEncoder encoder)
    {
        if (_decoder is null)
        {
            encoder.Append(piece, _output);
            return;
        }

        var input = piece.ToArray();
        var decoded = ArrayPool<byte>.Shared.Rent(_decoder.EstimateOutputLength(input.Length));
        var count = _decoder.Decode(input, 0, input.Length, decoded);
        encoder.Append(decoded.AsSpan(0, count), _output);
        ArrayPool<byte>.Shared.Return(decoded);
    }
}
