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

    private static readonly SaslMechanism[] Rows =
    [
        new("PLAIN", SaslNeeds.Login, (_, backend) => new PlainExchange(backend)),
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

    /// <summary>Strict base64 (RFC 4648 §4): no white space, padding required. Null when it is not.</summary>
    public static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        if (text.IndexOfAny(" \t\r\n"u8) >= 0 || !Base64.IsValid(text, out var length))
        {
            return null;
        }

        var decoded = new byte[length];
        return Base64.DecodeFromUtf8(text, decoded, out _, out var written) == OperationStatus.Done && written == length ? decoded : null;
    }

    private static bool IsMet(SaslMechanism row, SaslNeeds meets) => (row.Needs & ~meets) == 0;
}
