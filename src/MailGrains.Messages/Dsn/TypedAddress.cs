using System.Globalization;
using System.Text;

namespace MailGrains.Messages.Dsn;

/// <summary>Addresses as the fields of reports have them: <c>rfc822; alice@example.test</c> (RFC 3464 §2.1.2, RFC 6533 §3).</summary>
internal static class TypedAddress
{
    private const string Utf8Type = "utf-8";
    private const int MaxTypeChars = 32;
    private const int MaxChars = 512;

    /// <param name="address">Of a mailbox.</param>
    /// <param name="takesUtf8">The field may hold UTF-8.</param>
    public static string Of(string address, bool takesUtf8) => Write(Ascii.IsValid(address) ? "rfc822" : Utf8Type, address, takesUtf8);

    /// <param name="typed">As ORCPT has it, decoded: <c>type;address</c>. Null for what is none.</param>
    public static string? OfTyped(string typed, bool takesUtf8)
    {
        var (type, address) = Split(typed);
        return type.Length is > 0 and <= MaxTypeChars && type.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_') && address.Length > 0
            ? Write(type, address, takesUtf8)
            : null;
    }

    /// <summary>The address without its type.</summary>
    public static string AddressOf(string typed) => Split(typed).Address;

    private static (string Type, string Address) Split(string typed)
    {
        var semicolon = typed.IndexOf(';', StringComparison.Ordinal);
        return semicolon < 0 ? ("", typed.Trim()) : (typed[..semicolon].Trim(), typed[(semicolon + 1)..].Trim());
    }

    private static string Write(string type, string address, bool takesUtf8)
    {
        var plain = PlainText.Of(address, MaxChars);
        return $"{type}; {(type.Equals(Utf8Type, StringComparison.OrdinalIgnoreCase) ? Embed(plain, takesUtf8) : PlainText.OfAscii(plain))}";
    }

    /// <summary>RFC 6533 §3: utf-8-addr-unitext where UTF-8 may stand, else utf-8-addr-xtext.</summary>
    private static string Embed(string address, bool takesUtf8)
    {
        var text = new StringBuilder(address.Length);
        foreach (var rune in address.EnumerateRunes())
        {
            if (rune.IsAscii ? rune.Value is > ' ' and <= '~' and not ('\\' or '+' or '=') : takesUtf8)
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
}
