using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MailGrains.Protocols.Sasl;

/// <summary>The mechanisms that are offered, and the base64 that protocols wrap them in.</summary>
internal static class SaslMechanisms
{
    /// <summary>In the order of preference, separated by spaces.</summary>
    public const string Offered = "PLAIN";

    /// <summary>A new exchange, or null for a mechanism that is not offered.</summary>
    public static SaslExchange? Begin(ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(name, "PLAIN"u8) ? new PlainExchange() : null;

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
}
