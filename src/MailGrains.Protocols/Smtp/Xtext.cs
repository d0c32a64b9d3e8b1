using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace MailGrains.Protocols.Smtp;

/// <summary>xtext of RFC 3461 §4, as values of parameters carry addresses.</summary>
internal static class Xtext
{
    /// <summary>The text, or null where it is no xtext, or what it stands for is no text or holds a control character.</summary>
    public static string? Decode(ReadOnlySpan<byte> value)
    {
        var decoded = new byte[value.Length];
        var length = 0;
        for (var at = 0; at < value.Length; at++)
        {
            var octet = value[at];
            if (octet == '+')
            {
                // RFC 3461 §4: hexchar = "+" and two digits, letters in upper case.
                if (at + 2 >= value.Length || Digit(value[at + 1]) is not { } high || Digit(value[at + 2]) is not { } low)
                {
                    return null;
                }

                octet = (byte)((high << 4) | low);
                at += 2;
            }

            if (octet is < (byte)' ' or 127)
            {
                return null;
            }

            decoded[length++] = octet;
        }

        var text = decoded.AsSpan(0, length);
        return length > 0 && Utf8.IsValid(text) && Encoding.UTF8.GetString(text) is var read && !read.Any(char.IsControl) ? read : null;
    }

    /// <summary>RFC 3461 §4: what is not printable US-ASCII, and "+" and "=", as "+" and two digits.</summary>
    public static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            if (octet is > (byte)' ' and < 127 and not ((byte)'+' or (byte)'='))
            {
                encoded.Append((char)octet);
            }
            else
            {
                encoded.Append('+').Append(octet.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return encoded.ToString();
    }

    private static int? Digit(byte octet) => octet switch
    {
        >= (byte)'0' and <= (byte)'9' => octet - '0',
        >= (byte)'A' and <= (byte)'F' => octet - 'A' + 10,
        _ => null,
    };
}
