using System.Buffers;
using System.Globalization;
using System.Text;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>The address of type utf-8 (RFC 6533 §3), as an ORCPT carries it: US-ASCII with <c>\x{20AC}</c> for what is not, or UTF-8.</summary>
internal static class Utf8Address
{
    private const int MaxDigits = 6;

    /// <summary>The text, or null where it is malformed or holds a control character.</summary>
    /// <param name="takesUtf8">Else octets beyond US-ASCII are malformed.</param>
    public static string? Decode(ReadOnlySpan<byte> value, bool takesUtf8)
    {
        var text = new StringBuilder(value.Length);
        while (!value.IsEmpty)
        {
            var length = TakeRune(value, takesUtf8, out var rune);
            if (length == 0 || Rune.IsControl(rune))
            {
                return null;
            }

            text.Append(rune);
            value = value[length..];
        }

        return text.Length == 0 ? null : text.ToString();
    }

    /// <summary>In US-ASCII, which may be said with SMTPUTF8 and without (RFC 6533 §3: utf-8-addr-xtext).</summary>
    public static string Encode(string address)
    {
        var text = new StringBuilder(address.Length);
        foreach (var rune in address.EnumerateRunes())
        {
            if (rune.Value is > ' ' and <= '~' and not ('\\' or '+' or '='))
            {
                text.Append(rune);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{{{rune.Value:X2}}}");
            }
        }

        return text.ToString();
    }

    /// <summary>How many octets it took; 0: malformed.</summary>
    private static int TakeRune(ReadOnlySpan<byte> value, bool takesUtf8, out Rune rune)
    {
        rune = default;
        switch (value[0])
        {
            case (byte)'\\':
                return TakeEmbedded(value, out rune);
            case > 0x7F:
                return takesUtf8 && Rune.DecodeFromUtf8(value, out rune, out var length) == OperationStatus.Done ? length : 0;
            case (byte)'+' or (byte)'=' or <= (byte)' ':
                // RFC 6533 §3: QCHAR.
                return 0;
            default:
                rune = new Rune(value[0]);
                return 1;
        }
    }

    /// <summary>RFC 6533 §3: EmbeddedUnicodeChar.</summary>
    private static int TakeEmbedded(ReadOnlySpan<byte> value, out Rune rune)
    {
        rune = default;
        var end = value.IndexOf((byte)'}');
        if (!value.StartsWith("\\x{"u8) || end - 3 is < 2 or > MaxDigits)
        {
            return 0;
        }

        return int.TryParse(value[3..end], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point)
            && Rune.TryCreate(point, out rune) ? end + 1 : 0;
    }
}
