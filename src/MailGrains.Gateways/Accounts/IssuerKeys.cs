using System.Collections.Concurrent;
using MailGrains.Contracts.Directory;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace MailGrains.Gateways.Accounts;

/// <summary>
/// The signing keys of token issuers, by OpenID Connect discovery or from a key set's address. They are kept half a day, and read again, at most
/// once in <see cref="AgainAfter"/>, where a token names a key that is not among them.
/// </summary>
public sealed class IssuerKeys(HttpClient http, TimeProvider time)
{
    private const int MaxIssuers = 1_000;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(12);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<OAuthIssuer, Keys> _known = new();

    /// <exception cref="InvalidOperationException">They can't be had now.</exception>
    public async ValueTask<IReadOnlyCollection<SecurityKey>> OfAsync(OAuthIssuer issuer, CancellationToken cancellationToken) =>
        _known.TryGetValue(issuer, out var keys) && time.GetUtcNow() - keys.Read < KeptFor
            ? keys.Set
            : await ReadAsync(issuer, cancellationToken);

    /// <inheritdoc cref="OfAsync"/>
    public async ValueTask<IReadOnlyCollection<SecurityKey>> AgainAsync(OAuthIssuer issuer, CancellationToken cancellationToken) =>
        _known.TryGetValue(issuer, out var keys) && time.GetUtcNow() - keys.Read < AgainAfter
            ? keys.Set
            : await ReadAsync(issuer, cancellationToken);

    private async ValueTask<IReadOnlyCollection<SecurityKey>> ReadAsync(OAuthIssuer issuer, CancellationToken cancellationToken)
    {
        // Https is seen to where the issuer is set; plain http is for issuers on loopback.
        var documents = new HttpDocumentRetriever(http) { RequireHttps = false };
        IReadOnlyCollection<SecurityKey> set;
        try
        {
            set = issuer.JwksUri is { } uri
                ? [.. new JsonWebKeySet(await documents.GetDocumentAsync(uri, cancellationToken)).GetSigningKeys()]
                : [.. (await OpenIdConnectConfigurationRetriever.GetAsync(
                    issuer.Issuer.TrimEnd('/') + "/.well-known/openid-configuration", documents, cancellationToken)).SigningKeys];
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw new InvalidOperationException($"The keys of '{issuer.Issuer}' can't be read: {e.Message}", e);
        }

        if (_known.Count >= MaxIssuers)
        {
            _known.Clear();
        }

        _known[issuer] = new Keys(set, time.GetUtcNow());
        return set;
    }

    private sealed record Keys(IReadOnlyCollection<SecurityKey> Set, DateTimeOffset Read);
}
