using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// A mail address in the one form that is a key: NFC, lower case, the domain as A-labels (RFC 5890). Its text is the key of
/// <see cref="IAddressGrain"/>.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.AddressName")]
public readonly record struct AddressName([property: Id(0)] string Localpart, [property: Id(1)] string Domain)
{
    /// <summary>RFC 5321 §4.5.3.1.1, in octets of UTF-8.</summary>
    public const int MaxLocalpartBytes = 64;

    /// <summary>RFC 5321 §4.5.3.1.2, in octets.</summary>
    public const int MaxDomainBytes = 255;

    private static readonly IdnMapping Idn = new() { AllowUnassigned = false, UseStd3AsciiRules = true };

    public override string ToString() => $"{Localpart}@{Domain}";

    public static bool TryParse(string text, out AddressName address)
    {
        address = default;
        var at = text.LastIndexOf('@');
        return at > 0 && TryNormalize(text[..at], text[(at + 1)..], out address);
    }

    /// <summary>Normalises a localpart (without quotes) and a domain; false where one of them can't be an address of ours.</summary>
    public static bool TryNormalize(string localpart, string domain, out AddressName address)
    {
        address = default;
        if (!TryNormalizeDomain(domain, out var name) || localpart.Length == 0 || !IsWellFormed(localpart))
        {
            return false;
        }

        var local = localpart.Normalize(NormalizationForm.FormC).ToLowerInvariant();
        if (Encoding.UTF8.GetByteCount(local) > MaxLocalpartBytes || local.Any(c => char.IsControl(c)))
        {
            return false;
        }

        address = new AddressName(local, name);
        return true;
    }

    /// <summary>Normalises a domain name to lower-case A-labels without a final dot.</summary>
    public static bool TryNormalizeDomain(string domain, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (domain.Length is 0 or > MaxDomainBytes || !IsWellFormed(domain))
        {
            return false;
        }

        try
        {
            var ascii = Idn.GetAscii(domain.TrimEnd('.').Normalize(NormalizationForm.FormC)).ToLowerInvariant();
            name = ascii.Length is > 0 and <= MaxDomainBytes ? ascii : null;
        }
        catch (ArgumentException)
        {
            name = null;
        }

        return name is not null;
    }

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}
