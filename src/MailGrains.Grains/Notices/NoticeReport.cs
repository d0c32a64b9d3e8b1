using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;
using MailGrains.Messages.Dsn;

namespace MailGrains.Grains.Notices;

/// <summary>Makes the report (RFC 3464) of a message out of what its queue has noted.</summary>
internal static class NoticeReport
{
    /// <param name="id">Of the report: its repeats have the same Message-ID.</param>
    /// <param name="domain">Of its From address.</param>
    /// <param name="leavesUs">It goes to another server, which may take no more than 7 bits.</param>
    /// <param name="retriedUntil">With a delay.</param>
    public static ReportMessage Write(
        PlannedReport report, QueuedMessage message, ReturnedMessage returned, DeliveryId id, string hostName, string domain, bool leavesUs,
        DateTimeOffset retriedUntil, DateTimeOffset now) => ReportWriter.Write(
            new DeliveryReport
            {
                ReportingMta = hostName,
                Domain = domain,
                To = report.To,
                MessageId = $"{id.High:x16}{id.Low:x16}@{hostName}",
                Date = now,
                Recipients = [.. report.Notices.Select(notice => Recipient(notice, message.Recipients[notice.Recipient], retriedUntil))],
                EnvelopeId = message.EnvelopeId,
                ArrivedAt = message.ReceivedAt,
                DeliverBy = message.DeliverBy?.At,
                FutureReleaseRequest = message.NotBefore is { } at ? $"until;{at.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}" : null,
                ReceivedFrom = message.ReceivedFrom,
                ReturnsFull = ReturnsFull(message),
                SmtpUtf8 = message.NeedsSmtpUtf8,
                SevenBit = leavesUs && !message.NeedsSmtpUtf8,
            },
            returned);

    /// <summary>
    /// RFC 8689 §5: what asked for TLS all the way is not returned whole. Where RET was not given, an author of ours gets his message back, and nobody else.
    /// </summary>
    private static bool ReturnsFull(QueuedMessage message) => (message.Needs & MessageNeeds.RequireTls) == 0 && message.Return switch
    {
        ReturnContent.Full => true,
        ReturnContent.Headers => false,
        _ => message.Submitter is not null,
    };

    private static ReportedRecipient Recipient(Notice notice, QueuedRecipient recipient, DateTimeOffset retriedUntil) =>
        new(notice.Kind == NoticeKind.Expanded ? recipient.ExpandedFrom ?? recipient.ForwardPath : recipient.ForwardPath, ActionOf(notice.Kind), notice.Enhanced)
        {
            OriginalRecipient = recipient.OriginalRecipient,
            RemoteMta = notice.Host,
            Code = notice.Code,
            Text = notice.Text,
            RetriedUntil = notice.Kind == NoticeKind.Delayed ? retriedUntil : null,
            IsExpired = notice.Kind == NoticeKind.Expired,
        };

    private static DeliveryAction ActionOf(NoticeKind kind) => kind switch
    {
        NoticeKind.Failed or NoticeKind.Expired => DeliveryAction.Failed,
        NoticeKind.Delayed => DeliveryAction.Delayed,
        NoticeKind.Relayed => DeliveryAction.Relayed,
        NoticeKind.Expanded => DeliveryAction.Expanded,
        _ => DeliveryAction.Delivered,
    };
}
