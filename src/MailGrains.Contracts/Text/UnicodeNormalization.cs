using System.Text;

namespace MailGrains.Contracts.Text;

/// <summary>
/// Unicode normalization (UAX #15) that gives the same result on every machine: <see cref="string.Normalize()"/> does nothing where
/// globalization is invariant, and "é" would be two different keys. For short texts (addresses, passwords): it takes well-formed UTF-16.
/// </summary>
public static class UnicodeNormalization
{
    // UAX #15, Hangul syllables (The Unicode Standard §3.12).
    private const int HangulBase = 0xAC00, LeadingBase = 0x1100, VowelBase = 0x1161, TrailingBase = 0x11A7;
    private const int LeadingCount = 19, VowelCount = 21, TrailingCount = 28, HangulCount = LeadingCount * VowelCount * TrailingCount;

    // No character before it takes part in a canonical composition as the second one, or has a combining class.
    private const char FirstCombining = '\u0300';

    /// <summary>Normalization form C: canonical composition.</summary>
    public static string ToNfc(string text) => IsBelow(text, FirstCombining) ? text : Normalize(text, compatibility: false);

    /// <summary>Normalization form KC: compatibility composition.</summary>
    public static string ToNfkc(string text) => IsBelow(text, '\u00a0') ? text : Normalize(text, compatibility: true);

    /// <summary>Full-width and half-width characters replaced by what they stand for (RFC 5895 §2.2).</summary>
    public static string MapWidth(string text)
    {
        if (IsBelow(text, '\u3000'))
        {
            return text;
        }

        var mapped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            foreach (var codePoint in UnicodeTables.Current.Width(rune.Value) ?? [rune.Value])
            {
                Append(mapped, codePoint);
            }
        }

        return mapped.ToString();
    }

    private static bool IsBelow(string text, char bound) => !text.AsSpan().ContainsAnyInRange(bound, '\uffff');

    private static string Normalize(string text, bool compatibility)
    {
        var tables = UnicodeTables.Current;
        var codePoints = new List<int>(text.Length + 8);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(tables, rune.Value, compatibility, codePoints);
        }

        Order(tables, codePoints);
        Compose(tables, codePoints);
        var normalized = new StringBuilder(text.Length);
        foreach (var codePoint in codePoints)
        {
            Append(normalized, codePoint);
        }

        return normalized.ToString();
    }

    private static void Decompose(UnicodeTables tables, int codePoint, bool compatibility, List<int> into)
    {
        var syllable = codePoint - HangulBase;
        if (syllable is >= 0 and < HangulCount)
        {
            into.Add(LeadingBase + syllable / (VowelCount * TrailingCount));
            into.Add(VowelBase + syllable % (VowelCount * TrailingCount) / TrailingCount);
            if (syllable % TrailingCount != 0)
            {
                into.Add(TrailingBase + syllable % TrailingCount);
            }
        }
        else if (tables.Decompose(codePoint, compatibility) is { } mapping)
        {
            foreach (var part in mapping)
            {
                Decompose(tables, part, compatibility, into);
            }
        }
        else
        {
            into.Add(codePoint);
        }
    }

    /// <summary>The canonical ordering algorithm: marks between two starters in the order of their classes, stable.</summary>
    private static void Order(UnicodeTables tables, List<int> codePoints)
    {
        for (var i = 1; i < codePoints.Count; i++)
        {
            var moved = codePoints[i];
            var combiningClass = tables.CombiningClass(moved);
            var to = i;
            for (; combiningClass != 0 && to > 0 && tables.CombiningClass(codePoints[to - 1]) > combiningClass; to--)
            {
                codePoints[to] = codePoints[to - 1];
            }

            codePoints[to] = moved;
        }
    }

    private static void Compose(UnicodeTables tables, List<int> codePoints)
    {
        var (starter, length, lastClass) = (-1, 0, -1);
        for (var i = 0; i < codePoints.Count; i++)
        {
            var codePoint = codePoints[i];
            var combiningClass = tables.CombiningClass(codePoint);

            // A character is blocked from its starter by one of the same or a higher class (or another starter) in between.
            if (starter >= 0 && lastClass < combiningClass && Composite(tables, codePoints[starter], codePoint) is var both and not 0)
            {
                codePoints[starter] = both;
                continue;
            }

            if (combiningClass == 0)
            {
                starter = length;
                lastClass = -1;
            }
            else
            {
                lastClass = combiningClass;
            }

            codePoints[length++] = codePoint;
        }

        codePoints.RemoveRange(length, codePoints.Count - length);
    }

    private static int Composite(UnicodeTables tables, int first, int second)
    {
        if (first - LeadingBase is var leading and >= 0 and < LeadingCount && second - VowelBase is var vowel and >= 0 and < VowelCount)
        {
            return HangulBase + (leading * VowelCount + vowel) * TrailingCount;
        }

        if (first - HangulBase is var syllable and >= 0 and < HangulCount && syllable % TrailingCount == 0 &&
            second - TrailingBase is var trailing and > 0 and < TrailingCount)
        {
            return first + trailing;
        }

        return tables.Compose(first, second);
    }

    private static void Append(StringBuilder text, int codePoint)
    {
        if (codePoint < 0x10000)
        {
            text.Append((char)codePoint);
        }
        else
        {
            text.Append((char)(0xD800 + ((codePoint - 0x10000) >> 10))).Append((char)(0xDC00 + ((codePoint - 0x10000) & 0x3FF)));
        }
    }
}
