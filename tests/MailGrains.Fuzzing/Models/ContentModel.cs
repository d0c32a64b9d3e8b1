namespace MailGrains.Fuzzing.Models;

/// <summary>Bounds of content, as a session's options have them.</summary>
internal sealed record ContentLimits(int MaxLineBytes, int MaxHeaderBytes, long MaxMessageBytes);

/// <summary>
/// What content means, said a second time: on the whole of it, with nothing in common with the decoder that takes it in pieces.
/// </summary>
internal static class ContentModel
{
    /// <summary>The length of content with its end of data (RFC 5321 §4.5.2), or null: CRLF . CRLF, or . CRLF at the very start.</summary>
    public static int? LengthToEnd(ReadOnlySpan<byte> sent)
    {
        if (sent.StartsWith(".\r\n"u8))
        {
            return 3;
        }

        var at = sent.IndexOf("\r\n.\r\n"u8);
        return at < 0 ? null : at + 5;
    }

    /// <summary>Takes the stuffed dots out of content without its end; null where a dot alone and a bare CR stand at the start of a line.</summary>
    public static byte[]? Unstuff(ReadOnlySpan<byte> stuffed)
    {
        var content = new List<byte>(stuffed.Length);
        var isStart = true;
        for (var i = 0; i < stuffed.Length; i++)
        {
            if (isStart && stuffed[i] == '.')
            {
                if (i + 1 < stuffed.Length && stuffed[i + 1] == '\r')
                {
                    return null;
                }
            }
            else
            {
                content.Add(stuffed[i]);
            }

            isStart = i > 0 && stuffed[i - 1] == '\r' && stuffed[i] == '\n';
        }

        return [.. content];
    }

    /// <summary>Whether unstuffed content, or what has come of it, is such as a sink may get.</summary>
    /// <param name="isWhole">Nothing follows, so a CR at the end is a bare one.</param>
    public static bool IsGood(ReadOnlySpan<byte> content, ContentLimits limits, bool isBinary, bool isMended, bool isWhole)
    {
        long line = 0, header = 0;
        var inBody = false;
        for (var i = 0; i < content.Length && !(isBinary && inBody); i++)
        {
            var isLast = i + 1 == content.Length;
            var isCrlf = content[i..].StartsWith("\r\n"u8);
            if (content[i] == '\r' && isLast && (isMended || !isWhole))
            {
                // What it is shows later, or it is mended at the end.
                break;
            }

            if (content[i] is not ((byte)'\r' or (byte)'\n'))
            {
                line++;
            }
            else if (isCrlf || isMended)
            {
                inBody |= line == 0;
                header += inBody ? 0 : line + 2;
                line = 0;
                i += isCrlf ? 1 : 0;
            }
            else
            {
                return false;
            }

            if (content[i] == 0 || line > limits.MaxLineBytes || header > limits.MaxHeaderBytes)
            {
                return false;
            }
        }

        return content.Length <= limits.MaxMessageBytes;
    }

    /// <summary>CRLF for every bare CR and LF.</summary>
    public static byte[] Mend(ReadOnlySpan<byte> content)
    {
        var mended = new List<byte>(content.Length);
        for (var i = 0; i < content.Length; i++)
        {
            if (content[i] is not ((byte)'\r' or (byte)'\n'))
            {
                mended.Add(content[i]);
                continue;
            }

            mended.AddRange("\r\n"u8);
            i += content[i..].StartsWith("\r\n"u8) ? 1 : 0;
        }

        return [.. mended];
    }
}
