using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MailGrains.Contracts.Text;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// A mail address in the one form that is a key: lower case, NFC, the domain as A-labels (RFC 5890). Its text is the key of
/// <see cref="IAddressGrain"/>. The text is the localpart as it is, '@' and the domain; only a localpart that starts with a quotation mark is
/// written as a Quoted-string (RFC 5321 §4.1.2), so that no two addresses have one text.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.AddressName")]
public readonly record struct AddressName([property: Id(0)] string Localpart, [property: Id(1)] string Domain)
{
    /// <summary>RFC 5321 §4.5.3.1.1, in octets of UTF-8.</summary>
    public const int MaxLocalpartBytes = 64;

    /// <summary>The longest name that DNS carries, without the final dot (RFC 1035 §2.3.4).</summary>
    public const int MaxDomainBytes = 253;

    // Before normalization, which can make a text shorter: a bound for the work only.
    private const int MaxInputChars = 512;

    public override string ToString() => Localpart.StartsWith('"') ? $"{Quote(Localpart)}@{Domain}" : $"{Localpart}@{Domain}";

    /// <summary>Reads an address; its localpart may be a Quoted-string.</summary>
    public static bool TryParse(string text, out AddressName address)
    {
        address = default;
        var at = text.LastIndexOf('@');
        if (at <= 0)
        {
            return false;
        }

        var localpart = text[..at];
        return (localpart[0] != '"' || TryUnquote(localpart, out localpart)) && TryNormalize(localpart, text[(at + 1)..], out address);
    }

    /// <summary>Normalises a localpart (without quotes) and a domain; false where one of them can't be an address of ours.</summary>
    public static bool TryNormalize(string localpart, string domain, out AddressName address)
    {
        address = default;
        if (!TryNormalizeDomain(domain, out var name) || !TryNormalizeLocalpart(localpart, out var local))
        {
            return false;
        }

        address = new AddressName(local, name);
        return true;
    }

    /// <summary>Normalises a domain name to lower-case A-labels without a final dot.</summary>
    public static bool TryNormalizeDomain(string domain, [NotNullWhen(true)] out string? name) => DomainLabels.TryToAscii(domain, out name);

    private static bool TryNormalizeLocalpart(string localpart, [NotNullWhen(true)] out string? normalized)
    {
        normalized = null;
        if (localpart.Length is 0 or > MaxInputChars)
        {
            return false;
        }

        if (Ascii.IsValid(localpart))
        {
            normalized = localpart.AsSpan().ContainsAnyExceptInRange(' ', '~') || localpart.Length > MaxLocalpartBytes
                ? null
                : localpart.ToLowerInvariant();
            return normalized is not null;
        }

        if (!WellFormed.IsWellFormed(localpart))
        {
            return false;
        }

        // Lower case can undo a composition and the other way round; a few characters need a second pass.
        var local = localpart;
        for (var before = ""; before != local;)
        {
            before = local;
            local = UnicodeNormalization.ToNfc(local.ToLowerInvariant());
        }

        normalized = Encoding.UTF8.GetByteCount(local) <= MaxLocalpartBytes && local.EnumerateRunes().All(IsAddressCharacter) ? local : null;
        return normalized is not null;
    }

    private static bool IsAddressCharacter(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.OtherNotAssigned);

    /// <summary>Takes the quotes off a Quoted-string and the backslashes out of its quoted-pairs.</summary>
    private static bool TryUnquote(string quoted, out string content)
    {
        content = "";
        var unquoted = new StringBuilder(quoted.Length);
        for (var i = 1; i < quoted.Length; i++)
        {
            if (quoted[i] == '"')
            {
                content = unquoted.ToString();
                return i == quoted.Length - 1;
            }

            if (quoted[i] == '\\' && ++i == quoted.Length)
            {
                return false;
            }

            unquoted.Append(quoted[i]);
        }

        return false;
    }

    private static string Quote(string localpart)
    {
        var quoted = new StringBuilder(localpart.Length + 8).Append('"');
        foreach (var c in localpart)
        {
            if (c is '"' or '\\')
            {
                quoted.Append('\\');
            }

            quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
