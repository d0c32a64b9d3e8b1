using System.Buffers;

namespace MailGrains.Messages.Dsn;

/// <summary>The quoted-printable encoding of text whose lines end in CRLF (RFC 2045 §6.7).</summary>
internal static class QuotedPrintable
{
    private const int MaxLine = 76;

    /// <summary>CRLF ends a line; any other CR or LF is data.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> text)
    {
        var encoded = new ArrayBufferWriter<byte>(text.Length + (text.Length / 8) + 16);
        var column = 0;
        for (var at = 0; at < text.Length; at++)
        {
            var rest = text[at..];
            if (rest.StartsWith("\r\n"u8))
            {
                encoded.Write("\r\n"u8);
                column = 0;
                at++;
                continue;
            }

            // RFC 2045 §6.7 (3): white space stays as it is only where something follows in the same line.
            var octet = text[at];
            var isLiteral = octet is > (byte)' ' and <= (byte)'~' and not (byte)'='
                || (octet is (byte)' ' or (byte)'\t' && rest.Length > 1 && rest[1] is not ((byte)'\r' or (byte)'\n'));
            var width = isLiteral ? 1 : 3;
            if (column + width > MaxLine - 1)
            {
                encoded.Write("=\r\n"u8);
                column = 0;
            }

            column += width;
            if (isLiteral)
            {
                encoded.Write([octet]);
            }
            else
            {
                encoded.Write([(byte)'=', Digit(octet >> 4), Digit(octet & 15)]);
            }
        }

        return encoded.WrittenSpan.ToArray();
    }

    private static byte Digit(int value) => "0123456789ABCDEF"u8[value];
}
