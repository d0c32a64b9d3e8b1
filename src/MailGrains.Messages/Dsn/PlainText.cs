using System.Globalization;
using System.Text;

namespace MailGrains.Messages.Dsn;

/// <summary>What others wrote, on its way into a text for people, or into a field for programs.</summary>
internal static class PlainText
{
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

    /// <summary>What is beyond US-ASCII becomes a question mark too.</summary>
    public static string OfAscii(string text) => string.Create(text.Length, text, static (target, source) =>
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] = source[i] is >= ' ' and <= '~' ? source[i] : '?';
        }
    });

    private static bool IsPrintable(Rune rune) => rune.IsAscii
        ? rune.Value is >= ' ' and <= '~'
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
