using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Text;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>What the sender logs; what became of each message its queue does. What servers say goes through <see cref="LogText"/>.</summary>
internal sealed partial class RelayLog(ILogger logger)
{
    public void NotOpened(string site, string? host, string why) => LogNotOpened(new LogText(site), new LogText(host ?? ""), new LogText(why));

    [LoggerMessage(1, LogLevel.Information, "No connection to site {Site}; {Host}: {Why}")]
    private partial void LogNotOpened(LogText site, LogText host, LogText why);

    [LoggerMessage(2, LogLevel.Error, "A connection to site {Site} failed by a defect of ours; its message is tried again.")]
    public partial void WorkerFailed(Exception e, string site);

    [LoggerMessage(3, LogLevel.Error, "Where mail of queue {Queue} goes could not be found out; it is tried again.")]
    public partial void RoutingFailed(Exception e, QueueId queue);

    [LoggerMessage(4, LogLevel.Warning, "Queue {Queue} could not say whether an attempt to send {Email} is still its own; it is given up: {Why}")]
    public partial void NotConfirmed(QueueId queue, EmailId email, string why);

    [LoggerMessage(5, LogLevel.Warning, "Queue {Queue} could not be told how {Count} messages went; it is told again: {Why}")]
    public partial void ReportFailed(QueueId queue, int count, string why);

    [LoggerMessage(6, LogLevel.Error, "Queue {Queue} never heard how {Count} messages went; they may be sent again.")]
    public partial void NotReported(QueueId queue, int count);

    [LoggerMessage(7, LogLevel.Warning, "{Count} messages were still being sent when the silo stopped.")]
    public partial void NotFinished(int count);
}
