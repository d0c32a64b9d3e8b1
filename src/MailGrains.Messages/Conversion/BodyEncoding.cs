using MailGrains.Messages.Summaries;
using MimeKit.Encodings;

namespace MailGrains.Messages.Conversion;

/// <summary>How the body of a part is encoded (RFC 2045 §6), and how it is to be.</summary>
internal static class BodyEncoding
{
    public const string QuotedPrintable = "quoted-printable";
    public const string Base64 = "base64";

    /// <summary>As the header says, without parameters and comments, which some write there.</summary>
    public static string Declared(BodyPart part)
    {
        var text = part.Encoding.AsSpan().Trim();
        return text[..(text.IndexOfAny(" \t;(") is >= 0 and var end ? end : text.Length)].ToString();
    }

    /// <summary>What a body that is not 7bit is to be encoded by; null: it may not be, or nobody knows what it is.</summary>
    public static string? Of(Segment body) => !MayBeEncoded(body.Part) ? null : Declared(body.Part) switch
    {
        "" or "7bit" or "8bit" or "binary" => IsText(body.Part) && (body.Needs & ContentNeeds.Nul) == 0 && body.EightBitOctets * 4 <= body.Length
            ? QuotedPrintable : Base64,
        // Encoded already, by somebody who did not care for lines or alphabets.
        QuotedPrintable => QuotedPrintable,
        Base64 or "uuencode" or "x-uuencode" or "x-uue" => Base64,
        _ => null,
    };

    public static IMimeDecoder? Decoder(BodyPart part) => Declared(part) switch
    {
        QuotedPrintable => new QuotedPrintableDecoder(),
        Base64 => new Base64Decoder(),
        "uuencode" or "x-uuencode" or "x-uue" => new UUDecoder(),
        _ => null,
    };

    private static bool IsText(BodyPart part) => part.Type is "text" or "message";

    /// <summary>RFC 2045 §6.4: of what holds other parts only the forms of RFC 6532 and RFC 6533.</summary>
    private static bool MayBeEncoded(BodyPart part) =>
        part.Type is not ("multipart" or "message") || (part.Type == "message" && part.Subtype.StartsWith("global", StringComparison.Ordinal));
}
