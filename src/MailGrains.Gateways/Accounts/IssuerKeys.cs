using MailGrains.Contracts.Directory;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace MailGrains.Gateways.Accounts;

/// <summary>
/// The signing keys of token issuers, by OpenID Connect discovery or from a key set's address. All who ask while they are read wait for the one
/// reading. They are kept half a day, and read again, at most once in <see cref="AgainAfter"/>, where a token names a key that is not among them; a
/// reading that failed stands as long, so that an issuer that is down is not asked for every login, and keys that were known before stay good.
/// </summary>
public sealed class IssuerKeys(HttpClient http, TimeProvider time)
{
    private const int MaxIssuers = 1_000;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(12);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<OAuthIssuer, Reading> _readings = [];

    /// <exception cref="InvalidOperationException">They can't be had now.</exception>
    public Task<IReadOnlyCollection<SecurityKey>> OfAsync(OAuthIssuer issuer, CancellationToken cancellationToken) =>
        ReadingOf(issuer, KeptFor).WaitAsync(cancellationToken);

    /// <summary>For a token whose key is not among those that are known.</summary>
    /// <inheritdoc cref="OfAsync"/>
    public Task<IReadOnlyCollection<SecurityKey>> AgainAsync(OAuthIssuer issuer, CancellationToken cancellationToken) =>
        ReadingOf(issuer, AgainAfter).WaitAsync(cancellationToken);

    private Task<IReadOnlyCollection<SecurityKey>> ReadingOf(OAuthIssuer issuer, TimeSpan keptFor)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (_readings.TryGetValue(issuer, out var last) && now - last.Begun < (last.Keys.IsFaulted ? AgainAfter : keptFor))
            {
                return last.Keys;
            }

            if (last is null && _readings.Count >= MaxIssuers)
            {
                _readings.Clear();
            }

            var former = last is { Keys.IsCompletedSuccessfully: true } ? last.Keys : null;
            var keys = ReadAsync(issuer, former);
            _readings[issuer] = new Reading(keys, now);
            return keys;
        }
    }

    private async Task<IReadOnlyCollection<SecurityKey>> ReadAsync(OAuthIssuer issuer, Task<IReadOnlyCollection<SecurityKey>>? former)
    {
        // Https is seen to where the issuer is set; plain http is for issuers on loopback. The client has a time-out of its own.
        var documents = new HttpDocumentRetriever(http) { RequireHttps = false };
        try
        {
            return issuer.JwksUri is { } uri
                ? [.. new JsonWebKeySet(await documents.GetDocumentAsync(uri, CancellationToken.None)).GetSigningKeys()]
                : [.. (await OpenIdConnectConfigurationRetriever.GetAsync(
                    issuer.Issuer.TrimEnd('/') + "/.well-known/openid-configuration", documents, CancellationToken.None)).SigningKeys];
        }
        catch (Exception) when (former is not null)
        {
            return await former;
        }
        catch (Exception e)
        {
            // Whatever it is, it is the issuer's and may pass.
            throw new InvalidOperationException($"The keys of '{issuer.Issuer}' can't be read: {e.Message}", e);
        }
    }

    private sealed record Reading(Task<IReadOnlyCollection<SecurityKey>> Keys, DateTimeOffset Begun);
}
