using System.Globalization;
using System.Text;

namespace MailGrains.Messages.Dsn;

/// <summary>What others wrote, on its way into a text for people, or into a field for programs.</summary>
internal static class PlainText
{
    /// <summary>A line of a header holds it in one piece.</summary>
    public const int MaxEmbeddedChars = 900;

    /// <summary>
    /// One line of visible characters and spaces: what can't be seen, ends a line or turns the reading direction becomes a question mark, what is
    /// longer is cut.
    /// </summary>
    public static string Of(string text, int maxChars)
    {
        var plain = new StringBuilder(Math.Min(text.Length, maxChars));
        foreach (var rune in text.EnumerateRunes())
        {
            if (plain.Length + rune.Utf16SequenceLength > maxChars)
            {
                break;
            }

            plain.Append(IsPrintable(rune) ? rune.ToString() : rune.Value == '\t' ? " " : "?");
        }

        return plain.ToString();
    }

    /// <summary>
    /// In US-ASCII: what is beyond it stands as <c>\x{20AC}</c>, the form that RFC 6533 §3 has for addresses, so that nothing is lost. What is longer is
    /// cut between two characters.
    /// </summary>
    /// <param name="plain">Of <see cref="Of"/>.</param>
    public static string Embed(string plain)
    {
        var text = new StringBuilder(plain.Length);
        for (int at = 0, length; at < plain.Length; at += length)
        {
            _ = Rune.DecodeFromUtf16(plain.AsSpan(at), out var rune, out length);
            var isPlain = rune.IsAscii && !plain.AsSpan(at).StartsWith(@"\x{", StringComparison.Ordinal);
            var character = isPlain ? rune.ToString() : CodePoint(rune);
            if (text.Length + character.Length > MaxEmbeddedChars)
            {
                break;
            }

            text.Append(character);
        }

        return text.ToString();
    }

    /// <summary>EmbeddedUnicodeChar of RFC 6533 §3.</summary>
    public static string CodePoint(Rune rune) => string.Create(CultureInfo.InvariantCulture, $@"\x{{{rune.Value:X2}}}");

    private static bool IsPrintable(Rune rune) => rune.IsAscii
        ? rune.Value is >= ' ' and <= '~'
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
