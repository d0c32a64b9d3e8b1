using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MailGrains.Contracts.Directory;

namespace MailGrains.Contracts.Text;

/// <summary>
/// Domain names to A-labels (RFC 5890), by the mapping of RFC 5895 (lower case, width, NFC, the ideographic full stop) and Punycode.
/// <see cref="IdnMapping"/> does not fit: it maps nothing where globalization is invariant, and what the machine's ICU says elsewhere.
/// </summary>
internal static class DomainLabels
{
    private const int MaxLabelBytes = 63;
    private const int MaxInputChars = 512;

    public static bool TryToAscii(string domain, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (domain.Length is 0 or > MaxInputChars)
        {
            return false;
        }

        if (Ascii.IsValid(domain))
        {
            var end = domain[^1] == '.' ? domain.Length - 1 : domain.Length;
            name = end <= AddressName.MaxDomainBytes && AreLabels(domain.AsSpan(0, end)) ? domain[..end].ToLowerInvariant() : null;
            return name is not null;
        }

        if (!WellFormed.IsWellFormed(domain))
        {
            return false;
        }

        // RFC 5895 §2: lower case, width, NFC, and U+3002 is a dot.
        var mapped = UnicodeNormalization.ToNfc(UnicodeNormalization.MapWidth(domain).ToLowerInvariant()).Replace('\u3002', '.');
        var labels = (mapped[^1] == '.' ? mapped[..^1] : mapped).Split('.');
        for (var i = 0; i < labels.Length; i++)
        {
            if (!Ascii.IsValid(labels[i]))
            {
                if (!IsULabel(labels[i]))
                {
                    return false;
                }

                labels[i] = "xn--" + Punycode.Encode(labels[i]);
            }
        }

        var ascii = string.Join('.', labels);
        name = ascii.Length <= AddressName.MaxDomainBytes && AreLabels(ascii) ? ascii.ToLowerInvariant() : null;
        return name is not null;
    }

    /// <summary>Letters, digits and hyphens, no hyphen at either end (RFC 1123 §2.1).</summary>
    private static bool AreLabels(ReadOnlySpan<char> name)
    {
        foreach (var range in name.Split('.'))
        {
            var label = name[range];
            if (label.Length is 0 or > MaxLabelBytes || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                {
                    return false;
                }
            }
        }

        return name.Length > 0;
    }

    /// <summary>
    /// What RFC 5891 §4.2 asks for, by general categories as RFC 5892 §2 starts: letters, marks (not first) and digits; also symbols, since
    /// domains of emoji exist. Contextual rules and the Bidi rule are a registry's: a name that breaks them is never delegated.
    /// </summary>
    private static bool IsULabel(string label)
    {
        if (label.Length > MaxLabelBytes || label.AsSpan().StartsWith("xn--") || (label.Length > 3 && label[2] == '-' && label[3] == '-'))
        {
            return false;
        }

        var first = true;
        foreach (var rune in label.EnumerateRunes())
        {
            var allowed = Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.LowercaseLetter or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter => true,
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.OtherSymbol => true,
                UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark => !first,
                _ => rune.Value == '-',
            };
            if (!allowed)
            {
                return false;
            }

            first = false;
        }

        return true;
    }
}
