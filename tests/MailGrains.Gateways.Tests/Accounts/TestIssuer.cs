using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace MailGrains.Gateways.Tests.Accounts;

/// <summary>An issuer of tokens with OpenID Connect discovery, on loopback.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Audience = "mail";

    private readonly WebApplication _app;
    private ECDsaSecurityKey _key = NewKey("first");

    private TestIssuer(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    /// <summary>How often the keys were read.</summary>
    public int KeysRead { get; private set; }

    public static async Task<TestIssuer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var issuer = new TestIssuer(app);
        app.MapGet("/.well-known/openid-configuration", () => Results.Text(
            $$"""{"issuer":"{{issuer.Url}}","jwks_uri":"{{issuer.Url}}/keys"}""", "application/json"));
        app.MapGet("/keys", () =>
        {
            issuer.KeysRead++;
            var key = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(issuer._key);
            return Results.Text($$"""{"keys":[{"kty":"EC","kid":"{{key.Kid}}","crv":"{{key.Crv}}","x":"{{key.X}}","y":"{{key.Y}}"}]}""", "application/json");
        });
        await app.StartAsync();
        return issuer;
    }

    public void ChangeKey(string id) => _key = NewKey(id);

    /// <summary>A token of this issuer, unless the test says otherwise.</summary>
    public string TokenFor(
        string user, string? issuer = null, string audience = Audience, DateTime? expires = null, SigningCredentials? credentials = null,
        string claim = "email", object? more = null)
    {
        var claims = new Dictionary<string, object> { [claim] = user };
        if (more is not null)
        {
            claims["email_verified"] = more;
        }

        var now = DateTime.UtcNow;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer ?? Url,
            Audience = audience,
            Claims = claims,
            NotBefore = now.AddHours(-1),
            IssuedAt = now.AddHours(-1),
            Expires = expires ?? now.AddMinutes(10),
            SigningCredentials = credentials ?? new SigningCredentials(_key, SecurityAlgorithms.EcdsaSha256),
        });
    }

    public static ECDsaSecurityKey NewKey(string id) => new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = id };

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
