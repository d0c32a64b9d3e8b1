using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Contracts.Directory;

/// <summary>A tenant's name, the first part of its keys: 1 to 63 of a–z, 0–9 and '-', a letter or digit first.</summary>
public static class TenantName
{
    public const int MaxLength = 63;

    /// <summary>The name in lower case, or false where it can't be a tenant's.</summary>
    public static bool TryNormalize(string text, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (text.Length is 0 or > MaxLength || text[0] == '-')
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '-')
            {
                return false;
            }
        }

        name = text.ToLowerInvariant();
        return true;
    }
}
