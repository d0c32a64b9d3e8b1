using System.Text;
using System.Text.Unicode;

namespace MailGrains.Protocols.Sasl;

/// <summary>PLAIN (RFC 4616 §2): [authzid] NUL authcid NUL passwd, each at most 255 octets of UTF-8.</summary>
internal sealed class PlainExchange(ISaslBackend backend) : SaslExchange
{
    public const int MaxPartBytes = 255;

    public override async ValueTask<SaslStep> NextAsync(byte[] response, CancellationToken cancellationToken) =>
        Decode(response) is { } credentials ? SaslStep.Finish(await backend.CheckPasswordAsync(credentials, cancellationToken)) : SaslStep.Malformed;

    public static PlainCredentials? Decode(ReadOnlySpan<byte> response)
    {
        var first = response.IndexOf((byte)0);
        if (first < 0)
        {
            return null;
        }

        var rest = response[(first + 1)..];
        var second = rest.IndexOf((byte)0);
        if (second < 0)
        {
            return null;
        }

        var password = rest[(second + 1)..];
        var authentication = rest[..second];
        var authorization = response[..first];
        var wellFormed = IsPart(authorization) && IsPart(authentication) && IsPart(password) && !authentication.IsEmpty && !password.IsEmpty
            && password.IndexOf((byte)0) < 0;
        return wellFormed
            ? new(Encoding.UTF8.GetString(authorization), Encoding.UTF8.GetString(authentication), Encoding.UTF8.GetString(password))
            : null;
    }

    private static bool IsPart(ReadOnlySpan<byte> part) => part.Length <= MaxPartBytes && Utf8.IsValid(part);
}
