using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailGrains.Messages.Headers;

namespace MailGrains.Messages.Dsn;

/// <summary>The part of a report that programs read (RFC 3464 §2.2, §2.3; in UTF-8 by RFC 6533 §4).</summary>
internal static class ReportFields
{
    private const int MaxTextChars = 500;

    /// <summary>RFC 3463 §3.5: delivery time expired.</summary>
    private static readonly DeliveryStatus TooLate = new(5, 4, 7);

    /// <param name="takesUtf8">It is a message/global-delivery-status; else it is US-ASCII.</param>
    public static byte[] Write(DeliveryReport report, int listed, bool takesUtf8)
    {
        var writer = new HeaderFieldWriter(512 * (listed + 1));
        if (report.EnvelopeId is { Length: > 0 } envelopeId)
        {
            // RFC 3464 §2.2.1
            Whole(ref writer, "Original-Envelope-Id"u8, Plain(envelopeId, takesUtf8));
        }

        // RFC 3464 §2.2.2. RFC 3461 §6.3 (b): dns is for full names alone.
        Mta(ref writer, "Reporting-MTA"u8, IsFullName(report.ReportingMta) ? "dns;"u8 : "x-local-hostname;"u8, report.ReportingMta, takesUtf8);
        if (report.ReceivedFrom is { Length: > 0 } receivedFrom)
        {
            // RFC 3464 §2.2.4
            Mta(ref writer, "Received-From-MTA"u8, "dns;"u8, receivedFrom, takesUtf8);
        }

        // RFC 3464 §2.2.5; RFC 2852 §5
        Time(ref writer, "Arrival-Date"u8, report.ArrivedAt);
        Time(ref writer, "Deliver-By-Date"u8, report.DeliverBy);
        if (report.FutureReleaseRequest is { Length: > 0 } request)
        {
            // RFC 4865 §5.1.2
            Whole(ref writer, "Future-Release-Request"u8, Plain(request, takesUtf8));
        }

        foreach (var recipient in report.Recipients.AsSpan()[..listed])
        {
            writer.Lines("\r\n"u8);
            Recipient(ref writer, report, recipient, takesUtf8);
        }

        return writer.Finish();
    }

    /// <summary>RFC 5322 §3.3 date-time, in UTC.</summary>
    public static string Date(DateTimeOffset at) => at.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture) + " +0000";

    /// <summary>A status that fits the action: of class 4 or 5 for a failure, 4 for a delay, 2 for all else.</summary>
    private static DeliveryStatus StatusOf(DeliveryReport report, ReportedRecipient recipient)
    {
        // RFC 2852 §4.1.3: it says that the time is over, whatever the last attempt met.
        var isLate = report.DeliverBy <= report.Date && (recipient.IsExpired || recipient.Action == DeliveryAction.Delayed);
        var status = isLate ? TooLate : DeliveryStatus.Parse(recipient.Status) ?? StatusTable.StatusOf(recipient.Code);
        return recipient.Action switch
        {
            // RFC 3463 §2: class 4 with a failure says that it was given up for a lasting trouble that may end.
            DeliveryAction.Failed => status.Class == 4 && !recipient.IsExpired && recipient.Code >= 500 ? status with { Class = 5 }
                : status.Class == 2 ? new DeliveryStatus(5, 0, 0) : status,
            DeliveryAction.Delayed => status.Class == 2 ? new DeliveryStatus(4, 0, 0) : status with { Class = 4 },
            _ => status.Class == 2 ? status : new DeliveryStatus(2, 0, 0),
        };
    }

    private static void Recipient(ref HeaderFieldWriter writer, DeliveryReport report, ReportedRecipient recipient, bool takesUtf8)
    {
        if (recipient.OriginalRecipient is { } typed && TypedAddress.OfTyped(typed, takesUtf8) is { } original)
        {
            // RFC 3464 §2.3.1
            Address(ref writer, "Original-Recipient"u8, original);
        }

        // RFC 3464 §2.3.2, §2.3.3, §2.3.4
        Address(ref writer, "Final-Recipient"u8, TypedAddress.Of(recipient.Address, takesUtf8));
        Field(ref writer, "Action"u8, recipient.Action switch
        {
            DeliveryAction.Failed => "failed",
            DeliveryAction.Delayed => "delayed",
            DeliveryAction.Delivered => "delivered",
            DeliveryAction.Relayed => "relayed",
            _ => "expanded",
        });
        Field(ref writer, "Status"u8, StatusOf(report, recipient).ToString());
        if (recipient.RemoteMta is { Length: > 0 } remoteMta)
        {
            // RFC 3464 §2.3.5
            Mta(ref writer, "Remote-MTA"u8, "dns;"u8, remoteMta, takesUtf8);
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

    private static bool IsFullName(string host) => host.Contains('.', StringComparison.Ordinal) || Literal(host).StartsWith('[');

    /// <summary>RFC 3461 §9.3: an address stands as a literal where there is no name; RFC 5321 §4.1.3.</summary>
    private static string Literal(string host) => !IPAddress.TryParse(host, out var address) ? host
        : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]"
        : $"{address}" == host ? $"[{host}]" : host;

    private static void Mta(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> type, string host, bool takesUtf8)
    {
        writer.Begin(name);
        writer.Word(type);
        writer.Word([], Plain(Literal(host).Replace(' ', '?'), takesUtf8), []);
        writer.End();
    }

    private static void Address(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, TypedAddress address)
    {
        writer.Begin(name);
        writer.Word([], address.Type, ";"u8);
        writer.Word([], address.Address, []);
        writer.End();
    }

    /// <summary>A value that is compared: every space in it stays.</summary>
    private static void Whole(ref HeaderFieldWriter writer, ReadOnlySpan<byte> name, string value)
    {
        writer.Begin(name);
        writer.Word([], value, []);
        writer.End();
    }

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
        var plain = PlainText.Of(text, MaxTextChars);
        return takesUtf8 ? plain : PlainText.Embed(plain);
    }
}
