using System.Buffers;
using System.Text;
using System.Text.Unicode;
using MimeKit.Encodings;

namespace MailGrains.Messages.Summaries;

/// <summary>Transfer encodings (RFC 2045 §6) and charsets of a text part's beginning.</summary>
internal static class TextDecoding
{
    /// <summary>
    /// Decodes as much as fits; a character that the end cuts in two is left out. A charset that is unknown, or that the text is not in, is
    /// taken as UTF-8 or else Latin-1.
    /// </summary>
    public static ReadOnlySpan<char> Decode(ReadOnlySpan<byte> encoded, string transferEncoding, string? charset, Span<char> chars)
    {
        IMimeDecoder? decoder = transferEncoding switch
        {
            "base64" => new Base64Decoder(),
            "quoted-printable" => new QuotedPrintableDecoder(),
            "x-uuencode" or "uuencode" or "x-uue" => new UUDecoder(),
            _ => null,
        };
        if (decoder is null)
        {
            return Decode(encoded, charset, chars);
        }

        var input = ArrayPool<byte>.Shared.Rent(encoded.Length);
        encoded.CopyTo(input);
        var output = ArrayPool<byte>.Shared.Rent(decoder.EstimateOutputLength(encoded.Length));
        var count = decoder.Decode(input, 0, encoded.Length, output);
        var text = Decode(output.AsSpan(0, count), charset, chars);
        ArrayPool<byte>.Shared.Return(input);
        ArrayPool<byte>.Shared.Return(output);
        return text;
    }

    private static ReadOnlySpan<char> Decode(ReadOnlySpan<byte> bytes, string? charset, Span<char> chars)
    {
        var encoding = EncodingOf(charset);
        if (encoding is null || (encoding.CodePage == Encoding.UTF8.CodePage && !IsUtf8(bytes)))
        {
            encoding = IsUtf8(bytes) ? Encoding.UTF8 : Encoding.Latin1;
        }

        encoding.GetDecoder().Convert(bytes, chars, flush: false, out _, out var count, out _);
        return chars[..count];
    }

    /// <summary>UTF-8, the last character cut off or not.</summary>
    private static bool IsUtf8(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return true;
        }

        for (var cut = 1; cut < 4 && cut <= bytes.Length; cut++)
        {
            if (Rune.DecodeFromUtf8(bytes[^cut..], out _, out _) == OperationStatus.NeedMoreData)
            {
                return Utf8.IsValid(bytes[..^cut]);
            }
        }

        return false;
    }

    /// <summary>Null: unknown, or US-ASCII, which 8-bit text claims to be at times.</summary>
    private static Encoding? EncodingOf(string? charset)
    {
        if (string.IsNullOrEmpty(charset) || charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            return Encoding.UTF8;
        }

        if (CodePagesEncodingProvider.Instance.GetEncoding(charset) is { } legacy)
        {
            return legacy;
        }

        try
        {
            return Encoding.GetEncoding(charset);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null; // UTF-7 is not supported: it hides markup from whoever does not decode it
        }
    }
}
