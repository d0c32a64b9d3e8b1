using System.Buffers;
using System.Text;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>The values of RET, ENVID, NOTIFY and ORCPT (RFC 3461 §4); null where they are malformed.</summary>
internal static class DsnDecoder
{
    /// <summary>RFC 3461 §4.4, as it is on the wire.</summary>
    public const int MaxEnvelopeIdBytes = 100;

    /// <summary>RFC 3461 §4.2, as it is on the wire.</summary>
    public const int MaxOriginalRecipientBytes = 500;

    private static readonly SearchValues<byte> Atom =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/?^_`{|}~"u8);

    // RFC 3461 §4.3.
    public static DsnReturn? Return(EsmtpParameter parameter) =>
        parameter.HasValue("FULL"u8) ? DsnReturn.Full
        : parameter.HasValue("HDRS"u8) ? DsnReturn.Headers
        : null;

    public static string? EnvelopeId(EsmtpParameter parameter) =>
        parameter.Value.Length <= MaxEnvelopeIdBytes && Xtext.Decode(parameter.Value) is { } text && Ascii.IsValid(text) ? text : null;

    // RFC 3461 §4.1.
    public static DsnNotify? Notify(EsmtpParameter parameter)
    {
        if (parameter.HasValue("NEVER"u8))
        {
            return DsnNotify.Never;
        }

        var notify = DsnNotify.Unspecified;
        foreach (var range in parameter.Value.Split((byte)','))
        {
            var kind = KindOf(parameter.Value[range]);
            if (kind == DsnNotify.Unspecified)
            {
                return null;
            }

            notify |= kind;
        }

        return notify == DsnNotify.Unspecified ? null : notify;
    }

    /// <param name="smtpUtf8">MAIL said SMTPUTF8: octets beyond US-ASCII may come as they are (RFC 6533 §3).</param>
    public static OriginalRecipient? OriginalRecipient(EsmtpParameter parameter, bool smtpUtf8)
    {
        var value = parameter.Value;
        var semicolon = value.IndexOf((byte)';');
        if (semicolon <= 0 || value.Length > MaxOriginalRecipientBytes || value[..semicolon].ContainsAnyExcept(Atom))
        {
            return null;
        }

        var type = value[..semicolon];
        var address = value[(semicolon + 1)..];
        var text = Ascii.EqualsIgnoreCase(type, "utf-8"u8) ? Utf8Address.Decode(address, smtpUtf8)
            : Xtext.Decode(address) is { } decoded && Ascii.IsValid(decoded) ? decoded
            : null;
        return text is null ? null : new OriginalRecipient(Encoding.ASCII.GetString(type), text);
    }

    public static bool IsAddressType(string text) => text.Length > 0 && !Encoding.UTF8.GetBytes(text).AsSpan().ContainsAnyExcept(Atom);

    private static DsnNotify KindOf(ReadOnlySpan<byte> word) =>
        Ascii.EqualsIgnoreCase(word, "SUCCESS"u8) ? DsnNotify.Success
        : Ascii.EqualsIgnoreCase(word, "FAILURE"u8) ? DsnNotify.Failure
        : Ascii.EqualsIgnoreCase(word, "DELAY"u8) ? DsnNotify.Delay
        : DsnNotify.Unspecified;
}
