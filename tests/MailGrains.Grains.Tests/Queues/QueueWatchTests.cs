using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>On a cluster of its own: the look is at all queues, and only the oldest are named.</summary>
[Collection(SharedQueues.Name)]
public sealed class QueueWatchTests : IAsyncLifetime
{
    private readonly QueueCluster _cluster = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_queue_that_ages_is_told_once_and_one_that_is_suspended_held_or_waits_for_its_time_is_not()
    {
        await using var late = _cluster.NewQueue();
        await using var suspended = _cluster.NewQueue();
        await using var held = _cluster.NewQueue();
        await using var later = _cluster.NewQueue();
        var before = _cluster.Logged.Lines.Count(Tells);
        await suspended.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        await suspended.EnqueueAsync();
        held.Sender.Room = 0;
        await held.Grain.EnqueueAsync(held.Message() with { NotBefore = _cluster.Time.GetUtcNow().AddHours(1) }, Cancellation);
        await held.Grain.OrderAsync(Order(QueueOrderKind.Hold), Cancellation);
        await later.Grain.EnqueueAsync(later.Message() with { NotBefore = _cluster.Time.GetUtcNow().AddDays(2) }, Cancellation);
        late.Sender.Answer = a => SenderScript.QueueScript.Deferred(a);
        var message = await late.EnqueueAsync();
        await _cluster.UntilAsync(() => late.Sender.Taken.Count == 1);

        _cluster.Time.Advance(_cluster.Options.AlarmAge + TimeSpan.FromMinutes(1));
        var watch = await WatchAsync(w => w.Oldest.Any(queue => queue.Queue == late.Id));
        Assert.DoesNotContain(watch.Oldest, queue => queue.Queue == suspended.Id || queue.Queue == held.Id || queue.Queue == later.Id);
        Assert.Equal(message.Email.MadeAt, watch.Oldest.Single(queue => queue.Queue == late.Id).OldestPending);
        Assert.Equal(before + 1, _cluster.Logged.Lines.Count(Tells));
        Assert.True(_cluster.Meters.Gauge("mailgrains.queues.oldest") >= _cluster.Options.AlarmAge.TotalSeconds);
        Assert.True(_cluster.Meters.Gauge("mailgrains.queues.aged") >= 1);

        late.Sender.Answer = late.Sender.Delivered;
        await late.Grain.WakeAsync(Cancellation);
        await late.EmptyAsync(TimeSpan.FromSeconds(1));
        await WatchAsync(w => w.Oldest.All(queue => queue.Queue != late.Id));
        foreach (var queue in new[] { suspended, held, later })
        {
            await queue.Grain.OrderAsync(Order(QueueOrderKind.Drop), Cancellation);
        }
    }

    private async Task<QueueWatch> WatchAsync(Func<QueueWatch, bool> isSo)
    {
        QueueWatch? watch = null;
        await _cluster.UntilAsync(
            () =>
            {
                watch = Task.Run(async () => await _cluster.Watch.LookAsync(Cancellation)).GetAwaiter().GetResult();
                return isSo(watch);
            },
            TimeSpan.FromSeconds(5));
        return watch!;
    }

    private static bool Tells(string line) => line.Contains("wait for longer than", StringComparison.Ordinal) && !line.Contains("any more", StringComparison.Ordinal);

    private static QueueOrder Order(QueueOrderKind kind) => new(kind, new QueueMark("op", "test", null));
}
