using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Text;
using MailGrains.Grains.Queues;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Grains.Alarms;

/// <summary>
/// Reads the catalogue for all who ask, and says so once when queues begin to age and once when none does any more. A new activation that finds aged
/// queues says it again.
/// </summary>
[Reentrant]
public sealed partial class QueueWatchGrain(
    QueueCatalog catalog, QueueOptions options, GrainMetrics metrics, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time,
    ILogger<QueueWatchGrain> logger) : Grain, IQueueWatchGrain
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private Task<QueueWatch>? _looking;
    private DateTimeOffset _lookedAt;
    private DateTimeOffset? _agedSince;

    public ValueTask<QueueWatch> LookAsync(CancellationToken cancellationToken)
    {
        // One look serves all; it ends by itself, whoever has given up on it.
        if (_looking is null or { IsFaulted: true } || (_looking.IsCompleted && time.GetUtcNow() - _lookedAt >= Period))
        {
            _lookedAt = time.GetUtcNow();
            _looking = LookOnceAsync();
        }

        return new(_looking.WaitAsync(cancellationToken));
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        // Another silo's figures are the right ones from here on.
        metrics.Queues = null;
        return Task.CompletedTask;
    }

    private async Task<QueueWatch> LookOnceAsync()
    {
        var now = time.GetUtcNow();
        var sum = new QueueSum(now - options.AlarmAge);
        try
        {
            await foreach (var queue in catalog.ReadAsync(new QueueFilter(null, null), null, now, CancellationToken.None))
            {
                if (!sum.Take(queue))
                {
                    break;
                }
            }
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }

        var watch = sum.Result with { AgedSince = sum.Result.Aged == 0 ? null : _agedSince ?? now };
        if ((watch.AgedSince is null) != (_agedSince is null))
        {
            Tell(watch);
        }

        _agedSince = watch.AgedSince;
        metrics.Queues = new QueueFigures(watch, now);
        return watch;
    }

    private void Tell(QueueWatch watch)
    {
        if (watch.AgedSince is null)
        {
            LogYoung(options.AlarmAge);
            return;
        }

        var oldest = watch.Oldest[0];
        LogAged(watch.Aged, options.AlarmAge, oldest.Queue, oldest.OldestPending, new LogText(oldest.LastReply ?? "nothing yet"));
    }

    [LoggerMessage(1, LogLevel.Warning, "{Count} queues have messages that wait for longer than {Age}; the oldest, {Queue}, since {Oldest}; the last reply: {Reply}")]
    private partial void LogAged(int count, TimeSpan age, QueueId queue, DateTimeOffset? oldest, LogText reply);

    [LoggerMessage(2, LogLevel.Information, "No queue has messages that wait for longer than {Age} any more.")]
    private partial void LogYoung(TimeSpan age);
}
