using System.Text;

namespace MailGrains.Messages.Dsn;

/// <summary>An address as the fields of reports have it: <c>rfc822; alice@example.test</c> (RFC 3464 §2.1.2, RFC 6533 §3).</summary>
internal readonly record struct TypedAddress(string Type, string Address)
{
    private const string Utf8Type = "utf-8";
    private const int MaxTypeChars = 32;
    private const int MaxChars = 512;

    /// <param name="address">Of a mailbox.</param>
    /// <param name="takesUtf8">The field may hold UTF-8.</param>
    public static TypedAddress Of(string address, bool takesUtf8) => Write(Ascii.IsValid(address) ? "rfc822" : Utf8Type, address, takesUtf8);

    /// <param name="typed">As ORCPT has it, decoded: <c>type;address</c>. Null for what is none.</param>
    public static TypedAddress? OfTyped(string typed, bool takesUtf8)
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

    /// <summary>RFC 6533 §3, §4.1: where UTF-8 may stand, an address stands as it is.</summary>
    private static TypedAddress Write(string type, string address, bool takesUtf8)
    {
        var plain = PlainText.Of(address, MaxChars);
        return new(
            type,
            takesUtf8 ? plain : type.Equals(Utf8Type, StringComparison.OrdinalIgnoreCase) ? Xtext(plain) : PlainText.Embed(plain));
    }

    /// <summary>utf-8-addr-xtext of RFC 6533 §3.</summary>
    private static string Xtext(string address)
    {
        var text = new StringBuilder(address.Length);
        foreach (var rune in address.EnumerateRunes())
        {
            text.Append(rune.Value is > ' ' and <= '~' and not ('\\' or '+' or '=') ? rune.ToString() : PlainText.CodePoint(rune));
        }

        return text.ToString();
    }
}
