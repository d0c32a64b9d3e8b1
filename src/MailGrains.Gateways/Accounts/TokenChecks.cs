using MailGrains.Contracts.Directory;
using MailGrains.Protocols.Sasl;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace MailGrains.Gateways.Accounts;

public enum TokenStatus
{
    Accepted = 1,
    Refused = 2,

    /// <summary>The issuer's keys can't be had now.</summary>
    Unavailable = 3,
}

/// <param name="User">Whose account the token is for; with <see cref="TokenStatus.Accepted"/> proven, else as the client says.</param>
/// <param name="Reason">For the log; empty where it was accepted.</param>
public readonly record struct TokenCheck(TokenStatus Status, string User, string Reason);

/// <summary>
/// Checks tokens (JWT, RFC 7519) of OAUTHBEARER and XOAUTH2 against the keys of the issuer that the user's tenant names. The tenant is
/// that of the address, never of the token: a token of another tenant's issuer opens nothing here.
/// </summary>
public sealed class TokenChecks(IGrainFactory grains, IssuerKeys issuers, TimeProvider time)
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    // RFC 8725 §3.1: the algorithms are ours to choose; no "none", and no key that both sides hold.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512, SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384,
        SecurityAlgorithms.EcdsaSha512,
    ];

    // What a token that names no user with the client's words is looked at for, to find the tenant; nothing of it counts before it is proven.
    private static readonly string[] UserClaims = ["email", "preferred_username", "upn", "sub"];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    public async ValueTask<TokenCheck> CheckAsync(BearerCredentials credentials, CancellationToken cancellationToken)
    {
        var user = credentials.User.Length > 0 ? credentials.User : UserOf(credentials.Token);
        if (!AddressName.TryParse(user, out var address))
        {
            return new(TokenStatus.Refused, user, "it names no address");
        }

        if (await grains.GetGrain<IDomainGrain>(address.Domain).FindAsync(cancellationToken) is not { } domain ||
            await grains.GetGrain<ITenantGrain>(domain.Tenant).FindAsync(cancellationToken) is not { Settings.OAuth: { } issuer })
        {
            return new(TokenStatus.Refused, user, "the tenant of that address takes no tokens");
        }

        var result = await ValidateAsync(credentials.Token, issuer, cancellationToken);
        if (result.Status != TokenStatus.Accepted)
        {
            return result with { User = user };
        }

        return AddressName.TryParse(result.User, out var proven) && proven == address
            ? result with { User = address.ToString() }
            : new(TokenStatus.Refused, user, "it is somebody else's");
    }

    private async ValueTask<TokenCheck> ValidateAsync(string token, OAuthIssuer issuer, CancellationToken cancellationToken)
    {
        TokenValidationResult result;
        try
        {
            var keys = await issuers.OfAsync(issuer, cancellationToken);
            result = await _handler.ValidateTokenAsync(token, ParametersFor(issuer, keys));
            if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
            {
                // The issuer may have a new key.
                keys = await issuers.AgainAsync(issuer, cancellationToken);
                result = await _handler.ValidateTokenAsync(token, ParametersFor(issuer, keys));
            }
        }
        catch (Exception e) when (e is InvalidOperationException or OperationCanceledException)
        {
            return new(TokenStatus.Unavailable, "", e.Message);
        }

        if (!result.IsValid)
        {
            return new(TokenStatus.Refused, "", ReasonOf(result.Exception));
        }

        var claims = result.Claims;
        if (issuer.UserClaim == "email" && claims.TryGetValue("email_verified", out var verified) && verified is false or "false")
        {
            return new(TokenStatus.Refused, "", "its address is not verified");
        }

        return claims.TryGetValue(issuer.UserClaim, out var user) && user is string text
            ? new(TokenStatus.Accepted, text, "")
            : new(TokenStatus.Refused, "", $"it has no claim '{issuer.UserClaim}'");
    }

    private TokenValidationParameters ParametersFor(OAuthIssuer issuer, IReadOnlyCollection<SecurityKey> keys) => new()
    {
        ValidIssuer = issuer.Issuer,
        ValidAudience = issuer.Audience,
        ValidAlgorithms = Algorithms,
        IssuerSigningKeys = keys,
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        ClockSkew = ClockSkew,
        LifetimeValidator = IsInTime,
    };

    private bool IsInTime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires > now - ClockSkew && !(notBefore > now + ClockSkew);
    }

    private static string UserOf(string token)
    {
        try
        {
            var unproven = new JsonWebToken(token);
            return UserClaims.Select(claim => unproven.TryGetPayloadValue<string>(claim, out var value) ? value : null)
                .FirstOrDefault(value => value is not null && AddressName.TryParse(value, out _)) ?? "";
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException)
        {
            return "";
        }
    }

    private static string ReasonOf(Exception? failure) => failure switch
    {
        SecurityTokenExpiredException or SecurityTokenInvalidLifetimeException or SecurityTokenNoExpirationException => "it has expired",
        SecurityTokenInvalidIssuerException => "it is of another issuer",
        SecurityTokenInvalidAudienceException => "it is for another audience",
        SecurityTokenInvalidAlgorithmException => "its algorithm is not taken",
        SecurityTokenSignatureKeyNotFoundException => "its key is not one of the issuer",
        SecurityTokenInvalidSignatureException => "its signature is wrong",
        _ => "it is no token that can be checked",
    };
}
