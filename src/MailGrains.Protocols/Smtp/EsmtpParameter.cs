using System.Buffers;
using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>One parameter of MAIL or RCPT: esmtp-keyword ["=" esmtp-value] (RFC 5321 §4.1.2).</summary>
internal readonly ref struct EsmtpParameter
{
    private static readonly SearchValues<byte> KeywordOctets =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"u8);

    /// <summary>Anything but "=", space and control characters; with UTF-8 (RFC 6531 §3.3).</summary>
    private static readonly SearchValues<byte> ValueOctets =
        SearchValues.Create([.. Enumerable.Range(33, 223).Select(octet => (byte)octet).Where(octet => octet is not ((byte)'=' or 127))]);

    private EsmtpParameter(ReadOnlySpan<byte> keyword, ReadOnlySpan<byte> value, bool hasEquals)
    {
        Keyword = keyword;
        Value = value;
        HasEquals = hasEquals;
    }

    public ReadOnlySpan<byte> Keyword { get; }

    public ReadOnlySpan<byte> Value { get; }

    public bool HasEquals { get; }

    public bool Is(ReadOnlySpan<byte> keyword) => Ascii.EqualsIgnoreCase(Keyword, keyword);

    public bool HasValue(ReadOnlySpan<byte> value) => Ascii.EqualsIgnoreCase(Value, value);

    /// <summary>False at the end of the line and after a fault, which the decoder tells apart.</summary>
    public static bool TryTake(ref TextDecoder decoder, out EsmtpParameter parameter)
    {
        parameter = default;
        if (decoder.Failed || decoder.IsAtEnd)
        {
            return false;
        }

        decoder.ExpectSpaces();
        var keyword = decoder.ExpectRun(KeywordOctets);
        var hasEquals = decoder.TryByte((byte)'=');
        var value = hasEquals ? decoder.ExpectRun(ValueOctets) : default;
        parameter = new EsmtpParameter(keyword, value, hasEquals);
        return !decoder.Failed;
    }
}
