using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Text;
using MailGrains.Grains.Relay;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Alarms;

/// <summary>
/// Once a minute: has the queues looked at, and logs what has become of the alarms of this silo's sender, each once when it comes and once when it goes.
/// </summary>
/// <param name="senders">One, or none where the silo sends nothing.</param>
public sealed partial class AlarmWatch(IGrainFactory grains, IEnumerable<RelayAlarms> senders, TimeProvider time, ILogger<AlarmWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private Dictionary<(RelayAlarmKind, string), RelayAlarm> _told = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Tell();
                await LookAsync(stoppingToken);
            }
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // Its silo may have gone in the middle of a call.
        }
    }

    /// <summary>Logs what has changed since the last call.</summary>
    internal void Tell()
    {
        var current = senders.SelectMany(sender => sender.Current).ToDictionary(alarm => (alarm.Kind, alarm.Subject));
        foreach (var alarm in current.Where(alarm => !_told.ContainsKey(alarm.Key)).Select(alarm => alarm.Value))
        {
            LogRaised(alarm.Kind, new LogText(alarm.Subject), new LogText(alarm.Text), alarm.Since);
        }

        foreach (var alarm in _told.Where(alarm => !current.ContainsKey(alarm.Key)).Select(alarm => alarm.Value))
        {
            LogEnded(alarm.Kind, new LogText(alarm.Subject));
        }

        _told = current;
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            await grains.GetGrain<IQueueWatchGrain>(0).LookAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            LogNotLooked(e);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Mail waits: {Kind} {Subject}: {Text} (since {Since})")]
    private partial void LogRaised(RelayAlarmKind kind, LogText subject, LogText text, DateTimeOffset since);

    [LoggerMessage(2, LogLevel.Information, "Mail goes again: {Kind} {Subject} is over")]
    private partial void LogEnded(RelayAlarmKind kind, LogText subject);

    [LoggerMessage(3, LogLevel.Warning, "Nobody could look at the queues; it is tried again in a minute.")]
    private partial void LogNotLooked(Exception e);
}
