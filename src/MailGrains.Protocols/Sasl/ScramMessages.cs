using System.Buffers;
using System.Text;
using System.Text.Unicode;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Sasl;

/// <summary>client-first-message (RFC 5802 §7).</summary>
/// <param name="HeaderBytes">Of the GS2 header; what follows it is client-first-message-bare.</param>
internal sealed record ScramClientFirst(Gs2Header Header, int HeaderBytes, string User, string Nonce)
{
    /// <summary>Of a client's nonce; those that clients make have 18 to 64 octets.</summary>
    public const int MaxNonceBytes = 256;

    public static ScramClientFirst? Decode(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message))
        {
            return null;
        }

        var decoder = new TextDecoder(message);
        var header = Gs2Header.Expect(ref decoder);
        var headerBytes = decoder.Position;

        // RFC 5802 §5.1: m= stands where n= should, and says that what is not understood must be refused.
        decoder.ExpectByte((byte)'n');
        decoder.ExpectByte((byte)'=');
        var user = Gs2Header.ExpectName(ref decoder);
        decoder.ExpectByte((byte)',');
        var nonce = ScramText.ExpectNonce(ref decoder, MaxNonceBytes);
        while (decoder.TryByte((byte)','))
        {
            ScramText.ExpectExtension(ref decoder);
        }

        decoder.ExpectEnd();
        return decoder.Failed ? null : new(header, headerBytes, user, nonce);
    }
}

/// <summary>client-final-message (RFC 5802 §7).</summary>
/// <param name="BareBytes">Of client-final-message-without-proof, which it begins with.</param>
internal sealed record ScramClientFinal(byte[] Binding, string Nonce, byte[] Proof, int BareBytes)
{
    public static ScramClientFinal? Decode(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message))
        {
            return null;
        }

        var decoder = new TextDecoder(message);
        decoder.ExpectByte((byte)'c');
        decoder.ExpectByte((byte)'=');
        var binding = SaslMechanisms.Decode(decoder.ExpectRun(ScramText.Value));
        decoder.ExpectByte((byte)',');
        var nonce = ScramText.ExpectNonce(ref decoder, ScramClientFirst.MaxNonceBytes + ScramExchange.ServerNonceChars);
        var bareBytes = decoder.Position;
        decoder.ExpectByte((byte)',');
        while (decoder.Peek != 'p' && !decoder.Failed)
        {
            ScramText.ExpectExtension(ref decoder);
            bareBytes = decoder.Position;
            decoder.ExpectByte((byte)',');
        }

        // The proof comes last, and once.
        decoder.ExpectByte((byte)'p');
        decoder.ExpectByte((byte)'=');
        var proof = SaslMechanisms.Decode(decoder.ExpectRun(ScramText.Value));
        decoder.ExpectEnd();
        return decoder.Failed || binding is null || proof is null ? null : new(binding, nonce, proof, bareBytes);
    }
}

/// <summary>server-first-message (RFC 5802 §7).</summary>
internal sealed record ScramServerFirst(string Nonce, byte[] Salt, long Iterations)
{
    public static ScramServerFirst? Decode(ReadOnlySpan<byte> message)
    {
        // An attribute m= in front is refused with all else that is no nonce (RFC 5802 §5.1).
        var decoder = new TextDecoder(message);
        var nonce = ScramText.ExpectNonce(ref decoder, 2 * ScramClientFirst.MaxNonceBytes);
        decoder.ExpectText(",s="u8);
        var salt = SaslMechanisms.Decode(decoder.ExpectRun(ScramText.Value));
        decoder.ExpectText(",i="u8);
        var iterations = decoder.ExpectNumber();
        while (decoder.TryByte((byte)','))
        {
            ScramText.ExpectExtension(ref decoder);
        }

        decoder.ExpectEnd();
        return decoder.Failed || salt is null ? null : new(nonce, salt, iterations);
    }
}

/// <summary>server-final-message (RFC 5802 §7): the server's signature; null for an error, or for no such message.</summary>
internal static class ScramServerFinal
{
    public static byte[]? Decode(ReadOnlySpan<byte> message)
    {
        var decoder = new TextDecoder(message);
        decoder.ExpectText("v="u8);
        var signature = SaslMechanisms.Decode(decoder.ExpectRun(ScramText.Value));
        while (decoder.TryByte((byte)','))
        {
            ScramText.ExpectExtension(ref decoder);
        }

        decoder.ExpectEnd();
        return decoder.Failed ? null : signature;
    }
}

/// <summary>What the messages are made of.</summary>
internal static class ScramText
{
    /// <summary>value: UTF-8 without NUL and comma.</summary>
    public static readonly SearchValues<byte> Value = SearchValues.Create([.. Enumerable.Range(1, 255).Where(octet => octet != ',').Select(octet => (byte)octet)]);

    private static readonly SearchValues<byte> Printable = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Where(octet => octet != ',').Select(octet => (byte)octet)]);

    public static string ExpectNonce(ref TextDecoder decoder, int maxBytes)
    {
        decoder.ExpectByte((byte)'r');
        decoder.ExpectByte((byte)'=');
        var nonce = decoder.ExpectRun(Printable);
        if (nonce.Length > maxBytes)
        {
            decoder.Fail();
        }

        return Encoding.ASCII.GetString(nonce);
    }

    /// <summary>An attribute that nobody has defined yet is passed over (RFC 5802 §5.1); those that are defined stand in their places only.</summary>
    public static void ExpectExtension(ref TextDecoder decoder)
    {
        var name = decoder.ExpectAny();
        if (!char.IsAsciiLetter((char)name) || "acimnprsve"u8.Contains(name))
        {
            decoder.Fail();
        }

        decoder.ExpectByte((byte)'=');
        decoder.ExpectRun(Value);
    }
}
