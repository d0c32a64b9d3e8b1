using System.Buffers;
using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Sasl;

/// <summary>What a message of SCRAM or OAUTHBEARER begins with (RFC 5801 §4): may the channel be bound, and whom to act as.</summary>
/// <param name="Flag">n: the client can't bind; y: it can, and believes that we can't; p: it does.</param>
/// <param name="BindingName">With p; else empty.</param>
/// <param name="AuthorizationId">Decoded; empty: none.</param>
internal readonly record struct Gs2Header(byte Flag, string BindingName, string AuthorizationId)
{
    /// <summary>Of a name, decoded.</summary>
    public const int MaxNameBytes = 255;

    private static readonly SearchValues<byte> BindingNameBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"u8);

    /// <summary>Takes the header with its last comma.</summary>
    public static Gs2Header Expect(ref TextDecoder decoder)
    {
        var flag = decoder.ExpectAny();
        var bindingName = "";
        if (flag == 'p')
        {
            decoder.ExpectByte((byte)'=');
            bindingName = Encoding.ASCII.GetString(decoder.ExpectRun(BindingNameBytes));
        }
        else if (flag is not ((byte)'n' or (byte)'y'))
        {
            decoder.Fail();
        }

        decoder.ExpectByte((byte)',');
        var authorizationId = "";
        if (decoder.TryByte((byte)'a'))
        {
            decoder.ExpectByte((byte)'=');
            authorizationId = ExpectName(ref decoder);
        }

        decoder.ExpectByte((byte)',');
        return new(flag, bindingName, authorizationId);
    }

    /// <summary>A saslname up to its comma (RFC 5802 §5.1): =2C stands for a comma, =3D for an equals sign, and no other "=" may be.</summary>
    public static string ExpectName(ref TextDecoder decoder)
    {
        Span<byte> name = stackalloc byte[MaxNameBytes];
        var length = 0;
        while (!decoder.Failed && !decoder.IsAtEnd && decoder.Peek != ',')
        {
            var octet = decoder.ExpectAny();
            if (octet == '=')
            {
                octet = TryEscape(ref decoder, "2C"u8) ? (byte)',' : (byte)'=';
                if (octet == '=' && !TryEscape(ref decoder, "3D"u8))
                {
                    decoder.Fail();
                }
            }

            if (octet == 0 || length == MaxNameBytes)
            {
                decoder.Fail();
                return "";
            }

            name[length++] = octet;
        }

        if (length == 0)
        {
            decoder.Fail();
        }

        return Encoding.UTF8.GetString(name[..length]);
    }

    // RFC 5802 §7: upper case only.
    private static bool TryEscape(ref TextDecoder decoder, ReadOnlySpan<byte> digits)
    {
        if (decoder.Peek != digits[0])
        {
            return false;
        }

        decoder.ExpectByte(digits[0]);
        decoder.ExpectByte(digits[1]);
        return true;
    }
}
