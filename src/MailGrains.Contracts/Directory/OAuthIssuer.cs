namespace MailGrains.Contracts.Directory;

/// <summary>Whose tokens open a tenant's accounts (OAUTHBEARER, XOAUTH2).</summary>
/// <param name="Issuer">As in a token's <c>iss</c>: an https URL, http on loopback only; its keys are found by OpenID Connect discovery.</param>
/// <param name="Audience">What a token's <c>aud</c> must hold.</param>
/// <param name="UserClaim">The claim that holds the account's address.</param>
/// <param name="JwksUri">Where the keys are, where the issuer has no discovery; null: it has.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.OAuthIssuer")]
public sealed record OAuthIssuer(
    [property: Id(0)] string Issuer, [property: Id(1)] string Audience, [property: Id(2)] string UserClaim, [property: Id(3)] string? JwksUri);
