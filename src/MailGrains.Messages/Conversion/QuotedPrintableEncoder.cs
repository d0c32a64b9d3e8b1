using System.Buffers;

namespace MailGrains.Messages.Conversion;

/// <summary>
/// Quoted-printable (RFC 2045 §6.7). CRLF ends a line, and any other CR or LF is data, so every octet comes back as it was; MimeKit's encoder takes them
/// for one.
/// </summary>
internal sealed class QuotedPrintableEncoder : TransferEncoder
{
    private const int MaxLine = 76;

    private int _column;

    /// <summary>CR or white space, of which the next octet decides what it is.</summary>
    private byte? _held;

    public static byte[] Encode(ReadOnlySpan<byte> text)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + (text.Length / 8) + 16);
        var encoder = new QuotedPrintableEncoder();
        encoder.Append(text, output);
        encoder.Finish(output);
        return output.WrittenSpan.ToArray();
    }

    public override void Append(ReadOnlySpan<byte> octets, IBufferWriter<byte> output)
    {
        foreach (var octet in octets)
        {
            if (_held is { } held)
            {
                _held = null;
                if (held == '\r' && octet == '\n')
                {
                    output.Write("\r\n"u8);
                    _column = 0;
                    continue;
                }

                // RFC 2045 §6.7 (3): white space stays as it is only where something follows in its line.
                Put(held, held == '\r' || octet is (byte)'\r' or (byte)'\n', output);
            }

            if (octet is (byte)'\r' or (byte)' ' or (byte)'\t')
            {
                _held = octet;
            }
            else
            {
                Put(octet, octet is <= (byte)' ' or > (byte)'~' or (byte)'=', output);
            }
        }
    }

    public override void Finish(IBufferWriter<byte> output)
    {
        if (_held is { } held)
        {
            Put(held, isEncoded: true, output);
            _held = null;
        }
    }

    private void Put(byte octet, bool isEncoded, IBufferWriter<byte> output)
    {
        var width = isEncoded ? 3 : 1;
        if (_column + width > MaxLine - 1)
        {
            output.Write("=\r\n"u8);
            _column = 0;
        }

        _column += width;
        var target = output.GetSpan(3);
        if (isEncoded)
        {
            var digits = "0123456789ABCDEF"u8;
            (target[0], target[1], target[2]) = ((byte)'=', digits[octet >> 4], digits[octet & 15]);
        }
        else
        {
            target[0] = octet;
        }

        output.Advance(width);
    }
}
