using MailGrains.Contracts.Mailboxes;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Mailboxes;

public sealed partial class MailboxGrain
{
    [LoggerMessage(1, LogLevel.Information, "Mailbox {Mailbox} was made, quota {QuotaBytes} bytes.")]
    private partial void LogCreated(MailboxId mailbox, long quotaBytes);

    [LoggerMessage(2, LogLevel.Information, "Mailbox {Mailbox} was deleted.")]
    private partial void LogDeleted(MailboxId mailbox);

    [LoggerMessage(3, LogLevel.Warning, "Mailbox {Mailbox} could not take message {TraceId} now.")]
    private partial void LogDeliveryFailed(Exception e, MailboxId mailbox, string traceId);

    [LoggerMessage(4, LogLevel.Warning, "Mailbox {Mailbox} could not be read or changed now.")]
    private partial void LogUnavailable(Exception e, MailboxId mailbox);

    [LoggerMessage(5, LogLevel.Warning, "Mailbox {Mailbox} lost its journal; this activation ends.")]
    private partial void LogLost(Exception e, MailboxId mailbox);

    [LoggerMessage(6, LogLevel.Warning, "Mailbox {Mailbox} was deactivated before its waiting calls were answered.")]
    private partial void LogNotDrained(MailboxId mailbox);

    [LoggerMessage(7, LogLevel.Information, "Mailbox {Mailbox} purged {Messages} messages; next due {NextDue:u}.")]
    private partial void LogPurged(MailboxId mailbox, int messages, DateTimeOffset? nextDue);

    [LoggerMessage(8, LogLevel.Warning, "Mailbox {Mailbox} could not purge what is due; it will be tried again.")]
    private partial void LogPurgeFailed(Exception e, MailboxId mailbox);
}
