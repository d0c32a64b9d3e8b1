using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// The paths of RFC 5321 §4.1.2, with octets beyond US-ASCII wherever RFC 6531 §3.3 has them; whether they are allowed is for the command
/// to say. Two things are taken that the grammar lacks: an underscore in a domain, since hosts with one do send mail, and lengths beyond those of
/// RFC 5321 §4.5.3.1.1 for localparts, since SRS and VERP need them; 256 octets is the bound.
/// </summary>
internal static class PathDecoder
{
    public const int MaxLocalpartBytes = 256;

    /// <summary>RFC 5321 §4.5.3.1.2.</summary>
    public const int MaxDomainBytes = 255;

    /// <summary>RFC 1035 §2.3.4.</summary>
    public const int MaxLabelBytes = 63;

    private static readonly byte[] NonAscii = [.. Enumerable.Range(0x80, 0x80).Select(octet => (byte)octet)];

    private static readonly SearchValues<byte> Dotted =
        SearchValues.Create([.. "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~."u8, .. NonAscii]);

    private static readonly SearchValues<byte> DomainOctets =
        SearchValues.Create([.. "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8, .. NonAscii]);

    private static readonly SearchValues<byte> Dcontent =
        SearchValues.Create([.. Enumerable.Range(33, 94).Where(octet => octet is not ('[' or '\\' or ']')).Select(octet => (byte)octet)]);

    /// <summary>Reverse-path = Path / "&lt;&gt;".</summary>
    public static ReversePath ExpectReversePath(ref TextDecoder decoder)
    {
        if (decoder.TryText("<>"u8))
        {
            return ReversePath.Null;
        }

        var mailbox = ExpectPath(ref decoder, out var text);
        return new ReversePath(mailbox, text);
    }

    /// <summary>Forward-path = Path / "&lt;Postmaster&gt;" (RFC 5321 §4.1.1.3).</summary>
    public static ForwardPath ExpectForwardPath(ref TextDecoder decoder)
    {
        var start = decoder.Position + 1;
        if (decoder.TryText("<Postmaster>"u8))
        {
            return new ForwardPath(null, Encoding.ASCII.GetString(decoder.From(start)[..^1]));
        }

        var mailbox = ExpectPath(ref decoder, out var text);
        return new ForwardPath(mailbox, text);
    }

    /// <summary>The argument of EHLO and HELO: a domain or an address literal (RFC 5321 §4.1.1.1).</summary>
    public static string ExpectHelloName(ref TextDecoder decoder) => ExpectDomain(ref decoder);

    private static Mailbox? ExpectPath(ref TextDecoder decoder, out string text)
    {
        decoder.ExpectByte((byte)'<');
        SkipRoute(ref decoder);
        var start = decoder.Position;
        var localpart = ExpectLocalpart(ref decoder);
        decoder.ExpectByte((byte)'@');
        var domain = ExpectDomain(ref decoder);
        text = decoder.Failed ? "" : Encoding.UTF8.GetString(decoder.From(start));
        decoder.ExpectByte((byte)'>');
        return decoder.Failed ? null : new Mailbox(localpart, domain);
    }

    /// <summary>A-d-l ":" is taken and dropped (RFC 5321 appendix C).</summary>
    private static void SkipRoute(ref TextDecoder decoder)
    {
        if (decoder.Peek != '@')
        {
            return;
        }

        do
        {
            decoder.ExpectByte((byte)'@');
            ExpectDomain(ref decoder);
        }
        while (decoder.TryByte((byte)','));
        decoder.ExpectByte((byte)':');
    }

    private static string ExpectLocalpart(ref TextDecoder decoder)
    {
        if (decoder.Peek == '"')
        {
            return ExpectQuotedString(ref decoder);
        }

        var dotString = decoder.ExpectRun(Dotted);
        if (dotString.Length > MaxLocalpartBytes || !HasNoEmptyPart(dotString))
        {
            decoder.Fail();
        }

        return ToText(ref decoder, dotString);
    }

    private static string ExpectQuotedString(ref TextDecoder decoder)
    {
        Span<byte> content = stackalloc byte[MaxLocalpartBytes];
        var length = 0;
        decoder.ExpectByte((byte)'"');
        while (!decoder.Failed && !decoder.TryByte((byte)'"'))
        {
            var octet = decoder.ExpectAny();
            if (octet == '\\')
            {
                // quoted-pairSMTP: a backslash and one of 32 to 126.
                octet = decoder.ExpectAny();
                Require(ref decoder, octet is >= 32 and <= 126);
            }

            Require(ref decoder, octet is >= 32 and not 127 && length < MaxLocalpartBytes);
            if (!decoder.Failed)
            {
                content[length++] = octet;
            }
        }

        // The grammar has ""; no mailbox of anybody's is called so, and a directory key can't be empty.
        Require(ref decoder, length > 0);
        return ToText(ref decoder, content[..length]);
    }

    private static string ExpectDomain(ref TextDecoder decoder)
    {
        if (decoder.Peek == '[')
        {
            return ExpectAddressLiteral(ref decoder);
        }

        var domain = decoder.ExpectRun(DomainOctets);
        Require(ref decoder, domain.Length <= MaxDomainBytes);
        if (!decoder.Failed)
        {
            foreach (var range in domain.Split((byte)'.'))
            {
                var label = domain[range];
                Require(ref decoder, label.Length is > 0 and <= MaxLabelBytes && label[0] != '-' && label[^1] != '-');
            }
        }

        return ToText(ref decoder, domain);
    }

    /// <summary>RFC 5321 §4.1.3.</summary>
    private static string ExpectAddressLiteral(ref TextDecoder decoder)
    {
        var start = decoder.Position;
        decoder.ExpectByte((byte)'[');
        var content = decoder.ExpectRun(Dcontent);
        decoder.ExpectByte((byte)']');
        if (decoder.Failed || content.Length > MaxDomainBytes || !IsAddress(content))
        {
            decoder.Fail();
            return "";
        }

        return Encoding.ASCII.GetString(decoder.From(start));
    }

    private static bool IsAddress(ReadOnlySpan<byte> content)
    {
        var colon = content.IndexOf((byte)':');
        if (colon < 0)
        {
            return content.Count((byte)'.') == 3 && IPAddress.TryParse(content, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork;
        }

        // IPv6 is the only tag that is registered.
        return Ascii.EqualsIgnoreCase(content[..colon], "IPv6"u8) && !content.Contains((byte)'%')
            && IPAddress.TryParse(content[(colon + 1)..], out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool HasNoEmptyPart(ReadOnlySpan<byte> dotString) =>
        dotString.Length > 0 && dotString[0] != '.' && dotString[^1] != '.' && dotString.IndexOf(".."u8) < 0;

    private static string ToText(ref TextDecoder decoder, scoped ReadOnlySpan<byte> octets)
    {
        if (decoder.Failed || Ascii.IsValid(octets))
        {
            return decoder.Failed ? "" : Encoding.ASCII.GetString(octets);
        }

        if (Utf8.IsValid(octets) && Encoding.UTF8.GetString(octets) is var text && !text.Any(char.IsControl))
        {
            return text;
        }

        decoder.Fail();
        return "";
    }

    private static void Require(ref TextDecoder decoder, bool condition)
    {
        if (!condition)
        {
            decoder.Fail();
        }
    }
}
