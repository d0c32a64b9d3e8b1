using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;

namespace MailGrains.Grains.Directory;

/// <summary>What may be set for a tenant, and for whoever sends.</summary>
internal static class TenantRules
{
    private const int MaxDisplayNameChars = 200;
    private const int MaxUriChars = 1_000;
    private const int MaxNameChars = 200;

    /// <summary>Why the settings can't be, or null.</summary>
    public static string? Violation(TenantSettings settings) =>
        settings.DisplayName is { Length: > MaxDisplayNameChars }
            ? $"A display name has at most {MaxDisplayNameChars} characters."
            : settings.OAuth is { } issuer && Violation(issuer) is { } refusal
                ? refusal
                : settings.Limits is { IsSound: false }
                    ? AccountRules.UnsoundLimits
                    : settings.Postmaster is { } postmaster && !AddressName.TryParse(postmaster, out _)
                        ? "The postmaster is a mail address."
                        : null;

    private static string? Violation(OAuthIssuer issuer)
    {
        if (!IsPlace(issuer.Issuer) || (issuer.JwksUri is { } keys && !IsPlace(keys)))
        {
            return $"An issuer and the place of its keys are https URLs (http on loopback only) of at most {MaxUriChars} characters, without user or fragment.";
        }

        return IsName(issuer.Audience) && IsName(issuer.UserClaim)
            ? null
            : $"An audience and a claim have 1 to {MaxNameChars} characters, none of them a control.";
    }

    /// <summary>Keys that came in clear would let anybody on the way log in as anybody.</summary>
    private static bool IsPlace(string? text) =>
        text is { Length: > 0 and <= MaxUriChars } && !text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) &&
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri is { UserInfo: "", Fragment: "", Host.Length: > 0 } &&
        (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    private static bool IsName(string? text) => text is { Length: > 0 and <= MaxNameChars } && !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);
}
