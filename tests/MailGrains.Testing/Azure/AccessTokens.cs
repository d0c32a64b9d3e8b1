using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MailGrains.Testing.Azure;

/// <summary>Access tokens as Microsoft Entra makes them for an identity, save that nobody but the test can check the signature.</summary>
public static class AccessTokens
{
    public const string Tenant = "11111111-2222-3333-4444-555555555555";

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    /// <param name="resource">Whom it is for, such as <c>https://vault.azure.net</c>.</param>
    public static string Issue(string resource, DateTimeOffset notBefore, DateTimeOffset expires)
    {
        var head = Encode(new { typ = "JWT", alg = "HS256" });
        var body = Encode(new
        {
            aud = resource,
            iss = $"https://sts.windows.net/{Tenant}/",
            iat = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            nbf = notBefore.ToUnixTimeSeconds(),
            exp = expires.ToUnixTimeSeconds(),
            tid = Tenant,
        });
        return $"{head}.{body}.{Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes($"{head}.{body}")))}";
    }

    /// <summary>Whether it is one of these, for the resource, and good now.</summary>
    public static bool IsGood(string? token, string resource)
    {
        if (token?.Split('.') is not [var head, var body, var signature] ||
            signature != Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes($"{head}.{body}"))))
        {
            return false;
        }

        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(body));
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return claims.RootElement.GetProperty("aud").GetString() == resource && claims.RootElement.GetProperty("nbf").GetInt64() <= now &&
            claims.RootElement.GetProperty("exp").GetInt64() > now;
    }

    private static string Encode(object value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}
