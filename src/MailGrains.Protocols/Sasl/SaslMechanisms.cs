using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MailGrains.Protocols.Sasl;

/// <summary>What a mechanism needs of the connection and the backend.</summary>
[Flags]
internal enum SaslNeeds
{
    Login = 1,
    Scram = 2,
    EndPointBinding = 4,
    Bearer = 8,
}

internal sealed record SaslMechanism(string Name, SaslNeeds Needs, Func<SaslPolicy, ISaslBackend, SaslExchange> Begin);

/// <summary>The mechanisms, and the base64 that protocols wrap them in.</summary>
internal static class SaslMechanisms
{
    /// <summary>A line of 12,288 octets (RFC 4954 §4), CRLF included, holds no longer response in base64.</summary>
    public const int MaxResponseBytes = (12_288 - 2) / 4 * 3;

    private const SaslNeeds Scram = SaslNeeds.Login | SaslNeeds.Scram;
    private const SaslNeeds BoundScram = Scram | SaslNeeds.EndPointBinding;
    private const SaslNeeds Bearer = SaslNeeds.Login | SaslNeeds.Bearer;

    private static readonly SaslMechanism[] Rows =
    [
        new("SCRAM-SHA-256-PLUS", BoundScram, (policy, backend) => new ScramExchange(ScramHash.Sha256, true, policy, backend)),
        new("SCRAM-SHA-256", Scram, (policy, backend) => new ScramExchange(ScramHash.Sha256, false, policy, backend)),
        new("SCRAM-SHA-1-PLUS", BoundScram, (policy, backend) => new ScramExchange(ScramHash.Sha1, true, policy, backend)),
        new("SCRAM-SHA-1", Scram, (policy, backend) => new ScramExchange(ScramHash.Sha1, false, policy, backend)),
        new("PLAIN", SaslNeeds.Login, (_, backend) => new PlainExchange(backend)),
        new("LOGIN", SaslNeeds.Login, (_, backend) => new LoginExchange(backend)),
        new("OAUTHBEARER", Bearer, (_, backend) => new BearerExchange(backend, OAuthBearerMessage.Decode, OAuthBearerMessage.Refusal)),
        new("XOAUTH2", Bearer, (_, backend) => new BearerExchange(backend, XOAuth2Message.Decode, XOAuth2Message.Refusal)),
    ];

    /// <summary>By what is met: whoever asks gets a list that is there already.</summary>
    private static readonly string[][] Names =
        [.. Enumerable.Range(0, 16).Select(meets => Rows.Where(row => IsMet(row, (SaslNeeds)meets)).Select(row => row.Name).ToArray())];

    public static IReadOnlyList<string> NamesFor(SaslPolicy policy) => Names[(int)policy.Meets];

    /// <summary>Null for a mechanism that is not offered.</summary>
    public static SaslMechanism? Find(ReadOnlySpan<byte> name, SaslPolicy policy)
    {
        foreach (var row in Rows)
        {
            if (Ascii.EqualsIgnoreCase(name, row.Name))
            {
                return IsMet(row, policy.Meets) ? row : null;
            }
        }

        return null;
    }

    /// <summary>"*" in place of a response gives the authentication up (RFC 4954 §4, RFC 5034 §4).</summary>
    public static bool IsCancellation(ReadOnlySpan<byte> text) => text.SequenceEqual("*"u8);

    /// <summary>"=" stands for an initial response that is empty (RFC 4954 §4, RFC 5034 §4).</summary>
    public static byte[]? DecodeInitial(ReadOnlySpan<byte> text) => text.SequenceEqual("="u8) ? [] : Decode(text);

    /// <summary>
    /// Strict base64 (RFC 4648 §4): no white space, padding required, and no bits in it that mean nothing (RFC 4648 §3.5), so that there is one text for an
    /// octet string. Null when it is not.
    /// </summary>
    public static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        if (text.IndexOfAny(" \t\r\n"u8) >= 0 || !Base64.IsValid(text, out var length))
        {
            return null;
        }

        var decoded = new byte[length];
        return Base64.DecodeFromUtf8(text, decoded, out _, out var written) == OperationStatus.Done && written == length && IsLastGroupCanonical(text, decoded)
            ? decoded
            : null;
    }

    private static bool IsLastGroupCanonical(ReadOnlySpan<byte> text, ReadOnlySpan<byte> decoded)
    {
        Span<byte> group = stackalloc byte[4];
        var octets = decoded.Length % 3;
        return octets == 0 || (Base64.EncodeToUtf8(decoded[^octets..], group, out _, out _) == OperationStatus.Done && group.SequenceEqual(text[^4..]));
    }

    private static bool IsMet(SaslMechanism row, SaslNeeds meets) => (row.Needs & ~meets) == 0;
}
