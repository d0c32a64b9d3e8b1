using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Testing.Azure;

/// <summary>
/// A Key Vault over https on loopback: secrets (get, list, set), keys (get, wrapkey, unwrapkey, RSA-OAEP-256). It wants a token for the vault's service and
/// challenges who has none. Its name is that of a vault in Azure, which a <see cref="ConnectProxy"/> leads here.
/// Source: Azure Key Vault REST API 7.4; "Authentication, requests and responses".
/// </summary>
public sealed class KeyVaultServer : IAsyncDisposable
{
    public const string Resource = "https://vault.azure.net";
    public const string Host = "mailgrains-test.vault.azure.net";

    private const int PageSize = 2;

    private readonly ConcurrentDictionary<string, (string Value, bool Enabled)> _secrets = new(StringComparer.OrdinalIgnoreCase);
    private readonly X509Certificate2 _certificate;
    private readonly WebApplication _app;
    private int _toRefuse;
    private int _refused;
    private int _operations;

    private KeyVaultServer(TestAuthority authority)
    {
        var (certificate, key) = authority.Issue("vault", Host);
        _certificate = X509Certificate2.CreateFromPemFile(certificate, key);
        _app = LoopbackServer.Build(_certificate);
        _app.Use(AuthorizeAsync);
        _app.MapGet("/secrets", ListSecrets);
        _app.MapGet("/secrets/{name}/{version?}", (string name) => GetSecret(name));
        _app.MapPut("/secrets/{name}", PutSecretAsync);
        _app.MapGet("/keys/{name}/{version?}", GetKey);
        _app.MapPost("/keys/{name}/{version}/wrapkey", (string name, string version, HttpRequest request) => OperateAsync(name, version, Key.Wrap, request));
        _app.MapPost("/keys/{name}/{version}/unwrapkey", (string name, string version, HttpRequest request) => OperateAsync(name, version, Key.Unwrap, request));
    }

    private delegate byte[]? KeyOperation(string version, ReadOnlySpan<byte> octets);

    public static Uri Uri { get; } = new($"https://{Host}/");

    public RsaKey Key { get; } = new("mailgrains-data");

    public int Port => LoopbackServer.PortOf(_app);

    /// <summary>Requests that were answered 403.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Wraps and unwraps that were done.</summary>
    public int Operations => Volatile.Read(ref _operations);

    public static async Task<KeyVaultServer> StartAsync(TestAuthority authority)
    {
        var server = new KeyVaultServer(authority);
        await server._app.StartAsync();
        return server;
    }

    public void Set(string name, string value, bool enabled = true) => _secrets[name] = (value, enabled);

    /// <summary>Null: there is no such secret.</summary>
    public string? Value(string name) => _secrets.TryGetValue(name, out var secret) ? secret.Value : null;

    /// <summary>The next so many requests with a good token are answered 403, as while a role spreads.</summary>
    public void Refuse(int requests) => Volatile.Write(ref _toRefuse, requests);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
        Key.Dispose();
    }

    private async Task AuthorizeAsync(HttpContext context, RequestDelegate next)
    {
        var token = context.Request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.Ordinal) ? header[7..] : null;
        if (!AccessTokens.IsGood(token, Resource))
        {
            context.Response.Headers.WWWAuthenticate =
                $"Bearer authorization=\"https://login.microsoftonline.com/{AccessTokens.Tenant}\", resource=\"{Resource}\"";
            await Error(StatusCodes.Status401Unauthorized, "Unauthorized").ExecuteAsync(context);
        }
        else if (Interlocked.Decrement(ref _toRefuse) >= 0)
        {
            Interlocked.Increment(ref _refused);
            await Error(StatusCodes.Status403Forbidden, "Forbidden").ExecuteAsync(context);
        }
        else
        {
            await next(context);
        }
    }

    private IResult ListSecrets(HttpRequest request)
    {
        var from = int.TryParse(request.Query["$skiptoken"], out var token) ? token : 0;
        var names = _secrets.OrderBy(s => s.Key, StringComparer.Ordinal).Skip(from).Take(PageSize).ToList();
        return Results.Json(new
        {
            value = names.Select(s => new { id = $"{Uri}secrets/{s.Key}", attributes = new { enabled = s.Value.Enabled } }),
            nextLink = from + PageSize < _secrets.Count ? $"{Uri}secrets?api-version=7.4&$skiptoken={from + PageSize}" : null,
        });
    }

    private IResult GetSecret(string name) => !_secrets.TryGetValue(name, out var secret) ? Error(StatusCodes.Status404NotFound, "SecretNotFound")
        : !secret.Enabled ? Error(StatusCodes.Status403Forbidden, "Forbidden")
        : Results.Json(new { value = secret.Value, id = $"{Uri}secrets/{name}/1", attributes = new { enabled = true } });

    private async Task<IResult> PutSecretAsync(string name, HttpRequest request)
    {
        using var body = await JsonDocument.ParseAsync(request.Body);
        Set(name, body.RootElement.GetProperty("value").GetString()!);
        return GetSecret(name);
    }

    private IResult GetKey(string name, string? version)
    {
        version ??= Key.Newest;
        return name == Key.Name && Key.Public(version) is { } key
            ? Results.Json(new
            {
                key = new
                {
                    kid = $"{Uri}keys/{name}/{version}",
                    kty = "RSA",
                    n = Base64Url.EncodeToString(key.Modulus),
                    e = Base64Url.EncodeToString(key.Exponent),
                },
                attributes = new { enabled = true },
            })
            : Error(StatusCodes.Status404NotFound, "KeyNotFound");
    }

    private async Task<IResult> OperateAsync(string name, string version, KeyOperation operation, HttpRequest request)
    {
        using var body = await JsonDocument.ParseAsync(request.Body);
        if (body.RootElement.GetProperty("alg").GetString() != "RSA-OAEP-256")
        {
            return Error(StatusCodes.Status400BadRequest, "BadParameter");
        }

        try
        {
            if (name != Key.Name || operation(version, Base64Url.DecodeFromChars(body.RootElement.GetProperty("value").GetString())) is not { } done)
            {
                return Error(StatusCodes.Status404NotFound, "KeyNotFound");
            }

            Interlocked.Increment(ref _operations);
            return Results.Json(new { kid = $"{Uri}keys/{name}/{version}", value = Base64Url.EncodeToString(done) });
        }
        catch (CryptographicException)
        {
            return Error(StatusCodes.Status400BadRequest, "BadParameter");
        }
    }

    private static IResult Error(int status, string code) => Results.Json(new { error = new { code, message = "Refused." } }, statusCode: status);
}
