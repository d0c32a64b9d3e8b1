using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Contracts.Text;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Queues;

/// <summary>What queues log. What servers say goes through <see cref="LogText"/>.</summary>
internal sealed partial class QueueLog(ILogger logger)
{
    /// <summary>The trace of an attempt: one line, whatever its recipients.</summary>
    public void AttemptEnded(QueueId queue, RelayReport report)
    {
        if (!logger.IsEnabled(LogLevel.Information))
        {
            return;
        }

        var uncertain = report.IsUncertain ? ", may have been taken" : "";
        var what = report.Status == RelayStatus.Tried
            ? string.Join("; ", report.Outcomes.GroupBy(o => (o.Kind, o.Code, o.Enhanced, o.Text, o.Host)).Take(5).Select(g =>
                $"{g.Count()} {g.Key.Kind} {g.Key.Host} {g.Key.Code} {g.Key.Enhanced} {g.Key.Text}"))
            : $"{report.Status}: {report.Reason}";
        LogAttempt(report.Email, queue, report.Attempt, new LogText(what), uncertain);
    }

    [LoggerMessage(1, LogLevel.Information, "{Email} in queue {Queue}, attempt {Attempt}: {Outcome}{Uncertain}")]
    private partial void LogAttempt(EmailId email, QueueId queue, int attempt, LogText outcome, string uncertain);

    [LoggerMessage(2, LogLevel.Warning, "Message {TraceId} could not be put into queue {Queue}.")]
    public partial void NotKept(Exception e, QueueId queue, string traceId);

    [LoggerMessage(3, LogLevel.Warning, "Queue {Queue} is lost to this activation.")]
    public partial void Lost(Exception e, QueueId queue);

    [LoggerMessage(4, LogLevel.Warning, "Queue {Queue} was not drained in time.")]
    public partial void NotDrained(QueueId queue);

    [LoggerMessage(5, LogLevel.Warning, "Queue {Queue} could not do what is due; it tries again.")]
    public partial void RoundFailed(Exception e, QueueId queue);

    [LoggerMessage(6, LogLevel.Error, "Message {Email} of queue {Queue} could not be read: {Why}")]
    public partial void NotRead(QueueId queue, EmailId email, string why);

    [LoggerMessage(7, LogLevel.Warning, "A job of {Count} messages of queue {Queue} could not be given to a sender: {Why}")]
    public partial void NotGiven(QueueId queue, int count, string why);

    [LoggerMessage(8, LogLevel.Warning, "The sender of {Count} messages of queue {Queue} was lost; they may have been sent, and are sent again.")]
    public partial void SenderLost(QueueId queue, int count);

    [LoggerMessage(9, LogLevel.Warning, "How {Count} attempts of queue {Queue} ended was never heard; they may have been sent, and are sent again.")]
    public partial void Recovered(QueueId queue, int count);

    [LoggerMessage(10, LogLevel.Information, "Blob {Blob} is left for the sweeper: {Why}")]
    public partial void LeftForSweeper(string blob, string why);

    [LoggerMessage(11, LogLevel.Information, "Queue {Queue}: {Kind}, ordered by {By} until {Until}: {Reason}")]
    private partial void LogOrdered(QueueId queue, QueueOrderKind kind, LogText by, DateTimeOffset? until, LogText reason);

    [LoggerMessage(12, LogLevel.Warning, "What the sender of message {Email} of queue {Queue} is to hear could not be sent; it is tried again: {Why}")]
    public partial void NotTold(QueueId queue, EmailId email, string why);

    [LoggerMessage(13, LogLevel.Information, "{Email} in queue {Queue}: told: {Told}")]
    private partial void LogTold(QueueId queue, EmailId email, LogText told);


    [LoggerMessage(15, LogLevel.Warning, "What {Count} messages of queue {Queue} have come to could not be stored; it is tried again: {Why}")]
    public partial void NotEnded(QueueId queue, int count, string why);

    [LoggerMessage(16, LogLevel.Error, "What the sender of message {Email} of queue {Queue} was to hear could not be sent for days, and is not sent any more.")]
    public partial void NeverTold(QueueId queue, EmailId email);

    public void Told(QueueId queue, EmailId email, string told) => LogTold(queue, email, new LogText(told));

    public void Ordered(QueueId queue, QueueOrderKind kind, QueueMark mark) =>
        LogOrdered(queue, kind, new LogText(mark.By), mark.Until, new LogText(mark.Reason));
}
