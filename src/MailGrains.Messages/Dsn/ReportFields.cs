using System.Globalization;
using System.Text;
using MailGrains.Messages.Headers;

namespace MailGrains.Messages.Dsn;

/// <summary>The part of a report that programs read (RFC 3464 §2.2, §2.3; in UTF-8 by RFC 6533 §4).</summary>
internal static class ReportFields
{
    private const int MaxTextChars = 500;
    private const int MaxNameChars = 300;

    /// <param name="takesUtf8">It is a message/global-delivery-status; else it is US-ASCII.</param>
    public static byte[] Write(DeliveryReport report, int listed, bool takesUtf8)
    {
        var writer = new HeaderFieldWriter(512 * (listed + 1));
        if (report.EnvelopeId is { Length: > 0 } envelopeId)
        {
            // RFC 3464 §2.2.1
            Field(ref writer, "Original-Envelope-Id"u8, Plain(envelopeId, takesUtf8));
        }

        // RFC 3464 §2.2.2
        Mta(ref writer, "Reporting-MTA"u8, report.ReportingMta, takesUtf8);
        if (report.ReceivedFrom is { Length: > 0 } receivedFrom)
        {
            // RFC 3464 §2.2.4
            Mta(ref writer, "Received-From-MTA"u8, receivedFrom, takesUtf8);
        }

        Time(ref writer, "Arrival-Date"u8, report.ArrivedAt);
        foreach (var recipient in report.Recipients.AsSpan()[..listed])
        {
            writer.Lines("\r\n"u8);
            Recipient(ref writer, recipient, takesUtf8);
        }

        return writer.Finish();
    }

    /// <summary>RFC 5322 §3.3 date-time, in UTC.</summary>
    public static string Date(DateTimeOffset at) => at.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture) + " +0000";

    /// <summary>A status that fits the action: of class 4 or 5 for a failure, 4 for a delay, 2 for all else.</summary>
    public static DeliveryStatus StatusOf(ReportedRecipient recipient)
    {
        var status = DeliveryStatus.Parse(recipient.Status) ?? StatusTable.StatusOf(recipient.Code);
        return recipient.Action switch
        {
            // RFC 3463 §2: class 4 with a failure says that it was given up for a lasting trouble that may end.
            DeliveryAction.Failed => status.Class == 4 && !recipient.IsExpired && recipient.Code >= 500 ? status with { Class = 5 }
                : status.Class == 2 ? new DeliveryStatus(5, 0, 0) : status,
            DeliveryAction.Delayed => status.Class == 2 ? new DeliveryStatus(4, 0, 0) : status with { Class = 4 },
            _ => status.Class == 2 ? status : new DeliveryStatus(2, 0, 0),
        };
    }

    private static void Recipient(ref HeaderFieldWriter writer, ReportedRecipient recipient, bool takesUtf8)
    {
        if (recipient.OriginalRecipient is { } typed && TypedAddress.OfTyped(typed, takesUtf8) is { } original)
        {
            // RFC 3464 §2.3.1
            Field(ref writer, "Original-Recipient"u8, original);
        }

        // RFC 3464 §2.3.2, §2.3.3, §2.3.4
        Field(ref writer, "Final-Recipient"u8, TypedAddress.Of(recipient.Address, takesUtf8));
        Field(ref writer, "Action"u8, recipient.Action switch
        {
            DeliveryAction.Failed => "failed",
            DeliveryAction.Delayed => "delayed",
            DeliveryAction.Delivered => "delivered",
            DeliveryAction.Relayed => "relayed",
            _ => "expanded",
        });
        Field(ref writer, "Status"u8, StatusOf(recipient).ToString());
        if (recipient.RemoteMta is { Length: > 0 } remoteMta)
        {
            // RFC 3464 §2.3.5
            Mta(ref writer, "Remote-MTA"u8, remoteMta, takesUtf8);
        }

        Diagnostic(ref writer, recipient, takesUtf8);
        Time(ref writer, "Last-Attempt-Date"u8, recipient.LastAttemptAt);
        if (recipient.LogId is { Length: > 0 } logId)
        {
            // RFC 3464 §2.3.8
            Field(ref writer, "Final-Log-ID"u8, Plain(logId, takesUtf8));
        }

        if (recipient.Action == DeliveryAction.Delayed)
        {
            // RFC 3464 §2.3.9
            Time(ref writer, "Will-Retry-Until"u8, recipient.RetriedUntil);
        }
    }

    /// <summary>RFC 3464 §2.3.6. What we found ourselves is no SMTP reply.</summary>
    private static void Diagnostic(ref HeaderFieldWriter writer, ReportedRecipient recipient, bool takesUtf8)
    {
        if (recipient.Code == 0 && recipient.Text.Length == 0)
        {
            return;
        }

        Field(ref writer, "Diagnostic-Code"u8, recipient.Code == 0
            ? $"x-mailgrains; {Plain(recipient.Text, takesUtf8)}"
            : $"smtp; {Plain(ReplyOf(recipient), takesUtf8)}");
    }

    /// <summary>As the server gave it: code, enhanced code, text.</summary>
    public static string ReplyOf(ReportedRecipient recipient)
    {
        var reply = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{recipient.Code}");
        if (DeliveryStatus.Parse(recipient.Status) is { } status && status.Class == recipient.Code / 100)
        {
            reply.Append(' ').Append(status);
        }

        return reply.Append(' ').Append(PlainText.Of(recipient.Text, MaxTextChars)).ToString().TrimEnd();
    }

    private static void Mta(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, string host, bool takesUtf8) =>
        Field(ref writer, name, $"dns; {Plain(host.Replace(' ', '?'), takesUtf8)}");

    private static void Time(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, DateTimeOffset? at)
    {
        if (at is { } time)
        {
            Field(ref writer, name, Date(time));
        }
    }

    private static void Field(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, string value)
    {
        writer.Begin(name);
        writer.Text(HeaderText.Of(value));
        writer.End();
    }

    private static string Plain(string text, bool takesUtf8)
    {
        var plain = PlainText.Of(text, Math.Max(MaxTextChars, MaxNameChars));
        return takesUtf8 ? plain : PlainText.OfAscii(plain);
    }
}
