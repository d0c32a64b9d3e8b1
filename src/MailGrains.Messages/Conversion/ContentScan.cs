using System.Text;

namespace MailGrains.Messages.Conversion;

/// <summary>What of a content not every server takes.</summary>
[Flags]
public enum ContentNeeds
{
    /// <summary>7bit (RFC 2045 §2.7): anyone takes it.</summary>
    None = 0,

    /// <summary>Octets over 127, wherever.</summary>
    EightBit = 1,

    /// <summary>Octets over 127 in the message's own header section (RFC 6532).</summary>
    EightBitHeader = 2,

    /// <summary>Lines of more than 998 octets (RFC 5322 §2.1.1).</summary>
    LongLines = 4,
    Nul = 8,

    /// <summary>CR or LF alone.</summary>
    BareLineEnds = 16,
}

/// <summary>Looks at a content as it passes by, in pieces of any size, to tell whether it has to be converted.</summary>
public sealed class ContentScan
{
    public const int MaxLineBytes = 998;

    private ContentNeeds _needs;
    private long _lineBytes;
    private bool _afterCr;
    private bool _inBody;

    public static ContentNeeds Of(ReadOnlySpan<byte> content)
    {
        var scan = new ContentScan();
        scan.Append(content);
        return scan.Finish();
    }

    public static async Task<ContentNeeds> OfAsync(Stream content, CancellationToken cancellationToken)
    {
        var scan = new ContentScan();
        var buffer = new byte[16 * 1024];
        int count;
        while ((count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            scan.Append(buffer.AsSpan(0, count));
        }

        return scan.Finish();
    }

    public void Append(ReadOnlySpan<byte> piece)
    {
        if ((_needs & ContentNeeds.EightBit) == 0 && !Ascii.IsValid(piece))
        {
            _needs |= ContentNeeds.EightBit;
        }

        while (!piece.IsEmpty)
        {
            if (_afterCr)
            {
                piece = TakeAfterCr(piece);
                continue;
            }

            var length = piece.IndexOfAny((byte)'\r', (byte)'\n', (byte)'\0');
            TakeText(length < 0 ? piece : piece[..length]);
            if (length < 0)
            {
                return;
            }

            switch (piece[length])
            {
                case (byte)'\r':
                    _afterCr = true;
                    break;
                case (byte)'\n':
                    _needs |= ContentNeeds.BareLineEnds;
                    EndLine();
                    break;
                default:
                    _needs |= ContentNeeds.Nul;
                    _lineBytes++;
                    break;
            }

            piece = piece[(length + 1)..];
        }
    }

    /// <summary>The content has ended.</summary>
    public ContentNeeds Finish()
    {
        if (_afterCr)
        {
            _needs |= ContentNeeds.BareLineEnds;
        }

        return _needs;
    }

    private ReadOnlySpan<byte> TakeAfterCr(ReadOnlySpan<byte> piece)
    {
        _afterCr = false;
        EndLine();
        if (piece[0] == '\n')
        {
            return piece[1..];
        }

        _needs |= ContentNeeds.BareLineEnds;
        return piece;
    }

    private void TakeText(ReadOnlySpan<byte> text)
    {
        _lineBytes += text.Length;
        if (_lineBytes > MaxLineBytes)
        {
            _needs |= ContentNeeds.LongLines;
        }

        if (!_inBody && (_needs & ContentNeeds.EightBitHeader) == 0 && !Ascii.IsValid(text))
        {
            _needs |= ContentNeeds.EightBitHeader;
        }
    }

    private void EndLine()
    {
        _inBody |= _lineBytes == 0;
        _lineBytes = 0;
    }
}
