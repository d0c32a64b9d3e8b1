using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Messages.Conversion;
using MailGrains.Messages.Headers;

namespace MailGrains.Messages.Dsn;

/// <summary>
/// Writes delivery status notifications (RFC 3464) as multipart/report (RFC 6522): a text for people, fields for programs, and the original or its
/// header. The same input gives the same octets. It is to be sent with the null reverse-path and NOTIFY=NEVER (RFC 3461 §6.1).
/// </summary>
public static class ReportWriter
{
    public const int MaxRecipients = 100;

    /// <summary>Of a whole report.</summary>
    public const int MaxBytes = 128 * 1024;

    /// <summary>Of text and fields together.</summary>
    private const int MaxToldBytes = 48 * 1024;

    private const string EightBit = "8bit";

    /// <exception cref="ArgumentException">There is no recipient, or nobody to tell: a report of a report is never written.</exception>
    public static ReportMessage Write(DeliveryReport report, ReturnedMessage original)
    {
        if (report.To.Length == 0 || report.Recipients.IsDefaultOrEmpty)
        {
            throw new ArgumentException("A report has recipients to tell of, and somebody to tell.", nameof(report));
        }

        var (parts, listed) = Told(report, original);
        parts.Add(Returned(report, original));
        var boundary = Boundary(report.MessageId, parts);
        var header = Header(report, original, boundary, parts.Exists(part => part.Encoding == EightBit));
        var message = new ArrayBufferWriter<byte>(header.Length + parts.Sum(part => part.Content.Length + 256));
        message.Write(header);
        foreach (var part in parts)
        {
            Append(message, $"--{boundary}\r\nContent-Description: {part.Description}\r\nContent-Type: {part.Type}\r\n");
            Append(message, part.Encoding.Length == 0 ? "\r\n" : $"Content-Transfer-Encoding: {part.Encoding}\r\n\r\n");
            message.Write(part.Content.Span);
            message.Write("\r\n"u8);
        }

        Append(message, $"--{boundary}--\r\n");
        var needsSmtpUtf8 = !Ascii.IsValid(header);
        return new ReportMessage(message.WrittenMemory, listed, needsSmtpUtf8 || !Ascii.IsValid(message.WrittenSpan), needsSmtpUtf8);
    }

    /// <summary>Text and fields, of as many recipients as there is room for.</summary>
    private static (List<Part> Parts, int Listed) Told(DeliveryReport report, ReturnedMessage original)
    {
        for (var listed = Math.Min(report.Recipients.Length, MaxRecipients); ;)
        {
            var text = Text(report, ReportText.Write(report, original, listed));
            var fields = Fields(report, listed);
            var bytes = text.Content.Length + fields.Content.Length;
            if (bytes <= MaxToldBytes || listed == 1)
            {
                return ([text, fields], listed);
            }

            listed = Math.Clamp((int)((long)listed * MaxToldBytes / bytes), 1, listed - 1);
        }
    }

    private static Part Text(DeliveryReport report, byte[] text) =>
        Ascii.IsValid(text) ? new Part("Notification", "text/plain; charset=us-ascii", "", text)
        : report.SevenBit ? new Part("Notification", "text/plain; charset=utf-8", BodyEncoding.QuotedPrintable, QuotedPrintableEncoder.Encode(text))
        : new Part("Notification", "text/plain; charset=utf-8", EightBit, text);

    private static Part Fields(DeliveryReport report, int listed)
    {
        const string Description = "Delivery report";
        if (report.SmtpUtf8 && ReportFields.Write(report, listed, takesUtf8: true) is var fields && !Ascii.IsValid(fields))
        {
            // RFC 6533 §4: any transfer encoding is allowed.
            return report.SevenBit
                ? new Part(Description, "message/global-delivery-status", BodyEncoding.QuotedPrintable, QuotedPrintableEncoder.Encode(fields))
                : new Part(Description, "message/global-delivery-status", EightBit, fields);
        }

        return new Part(Description, "message/delivery-status", "", ReportFields.Write(report, listed, takesUtf8: false));
    }

    private static Part Returned(DeliveryReport report, ReturnedMessage original)
    {
        var isGlobal = report.SmtpUtf8 && original.HasEightBitHeader;

        // RFC 3461 §4.3: a report without a failure returns the header only.
        if (report.ReturnsFull && report.Recipients.Any(recipient => recipient.Action == DeliveryAction.Failed)
            && original.Whole is { } whole && !(report.SevenBit && original.IsEightBit))
        {
            return new Part("Undelivered message", isGlobal ? "message/global" : "message/rfc822", original.IsEightBit ? EightBit : "", whole);
        }

        const string Description = "Header of the message";
        var header = original.Header;
        if ((ContentScan.Of(header.Span) & ~ContentNeeds.EightBitHeader) is var needs && needs == ContentNeeds.None)
        {
            return new Part(Description, "text/rfc822-headers", "", header);
        }

        // RFC 6522 §4: a header that is broken or extended may be encoded. RFC 6533 §4: with its charset for who can't read message/global-headers.
        return isGlobal && !report.SevenBit && needs == ContentNeeds.EightBit
            ? new Part(Description, "message/global-headers", EightBit, header)
            : new Part(
                Description,
                isGlobal ? "message/global-headers" : "text/rfc822-headers; charset=utf-8",
                BodyEncoding.QuotedPrintable,
                QuotedPrintableEncoder.Encode(header.Span));
    }

    private static byte[] Header(DeliveryReport report, ReturnedMessage original, string boundary, bool isEightBit)
    {
        var writer = new HeaderFieldWriter(1024);
        Field(ref writer, "Date"u8, ReportFields.Date(report.Date));
        writer.Begin("From"u8);
        writer.Word("Mail Delivery System"u8);
        writer.Word("<MAILER-DAEMON@"u8, report.Domain, ">"u8);
        writer.End();
        writer.Begin("To"u8);
        writer.Word("<"u8, report.To, ">"u8);
        writer.End();
        Field(ref writer, "Subject"u8, ReportText.Subject(report.Recipients));
        writer.Begin("Message-ID"u8);
        writer.Word("<"u8, report.MessageId, ">"u8);
        writer.End();
        // It is no reason to need SMTPUTF8 on the way back where nothing else is.
        if (original.MessageId is { } id && (Ascii.IsValid(id) || (report.SmtpUtf8 && !report.SevenBit && !Ascii.IsValid(report.To))))
        {
            // RFC 5322 §3.6.4: it stands with what it is about.
            writer.Begin("In-Reply-To"u8);
            writer.Word("<"u8, id, ">"u8);
            writer.End();
            writer.Begin("References"u8);
            writer.Word("<"u8, id, ">"u8);
            writer.End();
        }

        // RFC 3834 §5
        Field(ref writer, "Auto-Submitted"u8, "auto-replied");
        Field(ref writer, "MIME-Version"u8, "1.0");
        // Readers look for this type, whichever of the two the fields come in.
        Field(ref writer, "Content-Type"u8, $"multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
        if (isEightBit)
        {
            // RFC 2045 §6.4: what holds 8bit parts is 8bit.
            Field(ref writer, "Content-Transfer-Encoding"u8, EightBit);
        }

        writer.Lines("\r\n"u8);
        return writer.Finish();
    }

    private static void Field(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, string value)
    {
        writer.Begin(name);
        writer.Text(HeaderText.Of(value));
        writer.End();
    }

    /// <summary>Occurs in no part, whoever wrote the original, and is the same for the same report.</summary>
    private static string Boundary(string messageId, List<Part> parts)
    {
        var seed = Encoding.UTF8.GetBytes(messageId);
        while (true)
        {
            seed = SHA256.HashData(seed);
            var boundary = $"=_{Convert.ToHexString(seed.AsSpan(0, 16))}";
            var bytes = Encoding.ASCII.GetBytes(boundary);
            if (!parts.Exists(part => part.Content.Span.IndexOf(bytes) >= 0))
            {
                return boundary;
            }
        }
    }

    private static void Append(ArrayBufferWriter<byte> message, string text) => Encoding.ASCII.GetBytes(text, message);

    /// <param name="Encoding">Empty: 7bit.</param>
    private sealed record Part(string Description, string Type, string Encoding, ReadOnlyMemory<byte> Content);
}
