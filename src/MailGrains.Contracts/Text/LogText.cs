using System.Globalization;
using System.Text;

namespace MailGrains.Contracts.Text;

/// <summary>What clients send, on its way into a log: nothing of it can end a line, move a cursor or turn the reading direction.</summary>
public readonly record struct LogText(string Text)
{
    public const int MaxChars = 320;

    /// <summary>Printable text as it is, up to <see cref="MaxChars"/>; anything else as <c>\uXXXX</c>, and the backslash doubled.</summary>
    public override string ToString()
    {
        var text = Text;
        if (text.Length <= MaxChars && IsPlain(text))
        {
            return text;
        }

        var escaped = new StringBuilder();
        foreach (var rune in text.AsSpan(0, Math.Min(text.Length, MaxChars)).EnumerateRunes())
        {
            if (rune.Value == '\\')
            {
                escaped.Append(@"\\");
            }
            else if (IsPrintable(rune))
            {
                escaped.Append(rune.ToString());
            }
            else
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
            }
        }

        return text.Length > MaxChars ? escaped.Append('…').ToString() : escaped.ToString();
    }

    private static bool IsPlain(string text)
    {
        foreach (var c in text)
        {
            if (c is < ' ' or > '~' or '\\')
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or
        UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
