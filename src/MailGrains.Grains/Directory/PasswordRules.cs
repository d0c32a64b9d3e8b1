using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>What a new password must be (NIST SP 800-63B §3.1.1: length, not composition).</summary>
internal static class PasswordRules
{
    public const int MinChars = 8;

    /// <summary>Why this can't be the password of the address, or null.</summary>
    public static string? Violation(string password, AddressName address)
    {
        if (!SaslPrep.TryPrepare(password, out var prepared))
        {
            return $"A password has no control characters and at most {SaslPrep.MaxChars} characters.";
        }

        if (prepared.Length < MinChars)
        {
            return $"A password has at least {MinChars} characters.";
        }

        return prepared.Equals(address.ToString(), StringComparison.OrdinalIgnoreCase) ||
            prepared.Equals(address.Localpart, StringComparison.OrdinalIgnoreCase)
            ? "The address is no password."
            : null;
    }
}
