using System.Buffers;
using System.Text;
using System.Text.Unicode;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Sasl;

/// <summary>OAUTHBEARER's message (RFC 7628 §3.1): a GS2 header whose a= is the user, then pairs of key and value between octets 0x01.</summary>
internal static class OAuthBearerMessage
{
    /// <summary>RFC 7628 §3.2.2.</summary>
    public static readonly byte[] Refusal = """{"status":"invalid_token"}"""u8.ToArray();

    private static readonly SearchValues<byte> KeyBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    public static BearerCredentials? Decode(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message))
        {
            return null;
        }

        var decoder = new TextDecoder(message);
        var header = Gs2Header.Expect(ref decoder);

        // Nothing here binds the channel: there is no OAUTHBEARER-PLUS.
        if (header.Flag == 'p')
        {
            decoder.Fail();
        }

        string? token = null;
        decoder.ExpectByte(BearerText.Separator);
        while (!decoder.Failed && decoder.Peek != BearerText.Separator)
        {
            var key = decoder.ExpectRun(KeyBytes);
            decoder.ExpectByte((byte)'=');
            if (Ascii.EqualsIgnoreCase(key, "auth"u8))
            {
                // One token only: nobody should have to guess which one counts.
                token = token is null ? BearerText.ExpectToken(ref decoder) : null;
                if (token is null)
                {
                    decoder.Fail();
                }
            }
            else
            {
                // Host and port are the client's belief; others are for schemes that are not here.
                decoder.TakeWhile(BearerText.Value);
            }

            decoder.ExpectByte(BearerText.Separator);
        }

        decoder.ExpectByte(BearerText.Separator);
        decoder.ExpectEnd();
        return decoder.Failed || token is null ? null : new(header.AuthorizationId, "", token);
    }
}

/// <summary>XOAUTH2's message, as those who made it describe it: user=, auth=Bearer and an empty pair, each ended by an octet 0x01.</summary>
internal static class XOAuth2Message
{
    public static readonly byte[] Refusal = """{"status":"401","schemes":"bearer"}"""u8.ToArray();

    public static BearerCredentials? Decode(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message))
        {
            return null;
        }

        var decoder = new TextDecoder(message);
        decoder.ExpectText("user="u8);
        var user = decoder.ExpectRun(BearerText.Name);
        decoder.ExpectByte(BearerText.Separator);
        decoder.ExpectText("auth="u8);
        var token = BearerText.ExpectToken(ref decoder);
        decoder.ExpectByte(BearerText.Separator);
        decoder.ExpectByte(BearerText.Separator);
        decoder.ExpectEnd();
        return decoder.Failed || token is null || user.Length > Gs2Header.MaxNameBytes ? null : new(Encoding.UTF8.GetString(user), "", token);
    }
}

internal static class BearerText
{
    public const byte Separator = 1;

    /// <summary>RFC 7628 §3.1: printable US-ASCII, space, tab, CR and LF.</summary>
    public static readonly SearchValues<byte> Value = SearchValues.Create([(byte)' ', (byte)'\t', (byte)'\r', (byte)'\n', .. Octets('!', '~')]);

    /// <summary>UTF-8 without control characters.</summary>
    public static readonly SearchValues<byte> Name = SearchValues.Create([.. Octets(' ', '~'), .. Octets('\x80', '\xff')]);

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="u8);

    /// <summary>"Bearer" in any case, a space, and a token (RFC 6750 §2.1).</summary>
    public static string? ExpectToken(ref TextDecoder decoder)
    {
        decoder.ExpectText("Bearer "u8);
        var token = decoder.ExpectRun(TokenBytes);
        if (token.Length > BearerExchange.MaxTokenBytes)
        {
            decoder.Fail();
        }

        return decoder.Failed ? null : Encoding.ASCII.GetString(token);
    }

    private static IEnumerable<byte> Octets(char first, char last) => Enumerable.Range(first, last - first + 1).Select(octet => (byte)octet);
}
