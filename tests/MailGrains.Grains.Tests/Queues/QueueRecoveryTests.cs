using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Tests.Queues;

[Collection(SharedQueues.Name)]
public sealed class QueueRecoveryTests(QueueCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_queue_that_an_ended_silo_had_in_memory_goes_on_at_once()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var at = cluster.Time.GetUtcNow().AddSeconds(2);
        await queue.Grain.EnqueueAsync(queue.Message() with { NotBefore = at }, Cancellation);
        await queue.ForgetAsync();

        await cluster.RecoverAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        Assert.InRange(cluster.Time.GetUtcNow() - at, TimeSpan.Zero, cluster.Options.ReminderPeriod / 2);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_queue_that_left_memory_until_its_time_stays_in_the_store()
    {
        await using var near = cluster.NewQueue();
        await using var far = cluster.NewQueue();
        await far.Grain.EnqueueAsync(far.Message() with { NotBefore = cluster.Time.GetUtcNow().AddDays(1) }, Cancellation);
        await cluster.UntilAsync(() => !IsInMemory(far), TimeSpan.FromSeconds(5));
        await near.Grain.EnqueueAsync(near.Message() with { NotBefore = cluster.Time.GetUtcNow().AddMinutes(9) }, Cancellation);
        await near.ForgetAsync();

        await cluster.RecoverAsync();
        Assert.True(IsInMemory(near));
        Assert.False(IsInMemory(far));
        foreach (var queue in new[] { near, far })
        {
            await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Drop, new QueueMark("op", "test", null)), Cancellation);
        }
    }

    [Fact]
    public async Task A_queue_that_is_read_in_vain_at_first_is_asked_again()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.EnqueueAsync(queue.Message() with { NotBefore = cluster.Time.GetUtcNow().AddSeconds(2) }, Cancellation);
        await queue.ForgetAsync();

        var failures = 0;
        cluster.Tables.BeforeRead = row => row == "h" && Interlocked.Increment(ref failures) == 1
            ? throw new Storage.StoreException(Storage.StoreFailure.Unavailable, "not now")
            : Task.CompletedTask;
        var recovering = cluster.RecoverAsync();
        await cluster.UntilAsync(() => recovering.IsCompleted);
        cluster.Tables.BeforeRead = null;
        await recovering;
        Assert.True(failures > 0);
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        await queue.EmptyAsync();
    }

    private bool IsInMemory(TestQueue queue) => Task.Run(() => cluster.SiloOfAsync(queue.Id)).GetAwaiter().GetResult() is not null;
}
