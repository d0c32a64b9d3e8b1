using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>An account's key (ECDSA P-256), and the requests that it signs by ES256 (RFC 7518 §3.4).</summary>
internal sealed class AcmeKey : IDisposable
{
    private readonly ECDsa _key;
    private readonly string _x;
    private readonly string _y;

    private AcmeKey(ECDsa key)
    {
        _key = key;
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        (_x, _y) = (Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));

        // RFC 7638 §3.2: the required members in the order of their names, without white space.
        Thumbprint = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{_x}}","y":"{{_y}}"}""")));
    }

    public string Thumbprint { get; }

    public static AcmeKey FromPem(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return key.KeySize == 256 ? new AcmeKey(key) : throw new CryptographicException("The account's key is not of P-256.");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>A new key as a PEM text (PKCS #8).</summary>
    public static string MakePem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    /// <summary>What is to be answered for a token (RFC 8555 §8.1).</summary>
    public string KeyAuthorization(string token) => $"{token}.{Thumbprint}";

    /// <summary>A request's body: flattened JSON (RFC 8555 §6.2).</summary>
    /// <param name="account">Its URL; null: the key itself is named, as for a new account.</param>
    /// <param name="payload">JSON; empty: POST-as-GET (RFC 8555 §6.3).</param>
    public byte[] Sign(Uri url, string nonce, Uri? account, ReadOnlySpan<byte> payload)
    {
        var head = Base64Url.EncodeToString(Head(url, nonce, account));
        var body = Base64Url.EncodeToString(payload);
        var signature = _key.SignData(Encoding.ASCII.GetBytes($"{head}.{body}"), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return Encoding.ASCII.GetBytes($$"""{"protected":"{{head}}","payload":"{{body}}","signature":"{{Base64Url.EncodeToString(signature)}}"}""");
    }

    public void Dispose() => _key.Dispose();

    private byte[] Head(Uri url, string nonce, Uri? account)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("alg", "ES256");
            if (account is not null)
            {
                json.WriteString("kid", account.OriginalString);
            }
            else
            {
                json.WriteStartObject("jwk");
                json.WriteString("crv", "P-256");
                json.WriteString("kty", "EC");
                json.WriteString("x", _x);
                json.WriteString("y", _y);
                json.WriteEndObject();
            }

            json.WriteString("nonce", nonce);
            json.WriteString("url", url.OriginalString);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
