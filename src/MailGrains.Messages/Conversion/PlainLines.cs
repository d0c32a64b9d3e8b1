using System.Buffers;

namespace MailGrains.Messages.Conversion;

/// <summary>
/// Lines that no encoding can save: octets over 127 and NUL become question marks, a bare CR a space, a bare LF a line end, and lines of more than 998
/// octets are folded. Nothing of it makes a line begin with what did not begin one, so no field and no boundary appears.
/// </summary>
internal sealed class PlainLines
{
    /// <summary>From here on a space is a place to fold.</summary>
    private const int FoldsFrom = 900;

    private int _column;
    private bool _afterCr;

    /// <summary>A whole field.</summary>
    public static void WriteField(ReadOnlySpan<byte> field, IBufferWriter<byte> output)
    {
        var lines = new PlainLines();
        while (!field.IsEmpty)
        {
            // White space at a line's end goes, and lines of nothing else: they end the header, or do so for some programs (RFC 5322 §4.2).
            var line = field[..(field.IndexOf((byte)'\n') is >= 0 and var end ? end + 1 : field.Length)];
            var text = line.TrimEnd(" \t\r\n"u8).Length;
            field = field[line.Length..];
            if (text == 0)
            {
                continue;
            }

            var isBlank = true;
            for (var at = 0; at < text; at++)
            {
                var isSpace = line[at] is (byte)' ' or (byte)'\t' or (byte)'\r';
                if (isSpace && lines._column >= FoldsFrom)
                {
                    if (isBlank)
                    {
                        continue;
                    }

                    lines.EndLine(output);
                    isBlank = true;
                }

                isBlank &= isSpace;
                lines.Put(line[at] == '\r' ? (byte)' ' : line[at], output);
            }

            lines.EndLine(output);
        }
    }

    /// <summary>Text between parts.</summary>
    public void Append(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        foreach (var octet in piece)
        {
            if (_afterCr && octet != '\n')
            {
                Put((byte)' ', output);
            }

            _afterCr = octet == '\r';
            if (octet == '\n')
            {
                EndLine(output);
            }
            else if (!_afterCr)
            {
                Put(octet, output);
            }
        }
    }

    public void Finish(IBufferWriter<byte> output)
    {
        if (_afterCr)
        {
            Put((byte)' ', output);
        }
    }

    private void Put(byte octet, IBufferWriter<byte> output)
    {
        if (_column == ContentScan.MaxLineBytes)
        {
            EndLine(output);
            output.Write(" "u8);
            _column = 1;
        }

        output.Write([octet is 0 or > 127 ? (byte)'?' : octet]);
        _column++;
    }

    private void EndLine(IBufferWriter<byte> output)
    {
        output.Write("\r\n"u8);
        _column = 0;
    }
}
