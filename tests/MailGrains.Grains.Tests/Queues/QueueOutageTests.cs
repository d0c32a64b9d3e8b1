using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>Queues of sites to which no connection can be opened. Hours go by, so the cluster is theirs.</summary>
public sealed class QueueOutageTests(QueueCluster cluster) : IClassFixture<QueueCluster>
{
    private const int Messages = 5;

    // The clock goes on while a report is on its way.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task However_many_wait_for_a_dead_site_one_is_tried_at_each_of_the_retry_times_and_all_go_when_it_answers()
    {
        await using var queue = cluster.NewQueue();
        var tried = await FillAsync(queue);
        await cluster.UntilAsync(() => tried.Count == 4, TimeSpan.FromMilliseconds(500));
        foreach (var (wait, expected) in tried.Zip(tried.Skip(1), (one, next) => next - one).Zip(cluster.Options.RetryAfter))
        {
            Assert.InRange(wait, expected, expected + Late);
        }

        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        Assert.InRange(cluster.Time.GetUtcNow() - tried[^1], cluster.Options.RetryAfter[3], cluster.Options.RetryAfter[3] + Late);
        Assert.Equal(Messages + 4, queue.Sender.Taken.Count);
    }

    [Fact]
    public async Task Between_its_tries_the_queue_of_a_dead_site_is_a_reminder_and_nothing_in_memory()
    {
        await using var queue = cluster.NewQueue();
        var tried = await FillAsync(queue);
        await cluster.UntilAsync(() => tried.Count == 3, Step);
        await UntilInactiveAsync(queue);
        Assert.True(await cluster.HasReminderAsync(queue.Id));
        Assert.Equal(3, tried.Count);

        // The reminder brings it back in time.
        await cluster.UntilAsync(() => tried.Count == 4, Step);
        Assert.InRange(tried[3] - tried[2], cluster.Options.RetryAfter[2], cluster.Options.RetryAfter[2] + cluster.Options.ReminderPeriod);
        await cluster.UntilAsync(() => States(queue).All(state => state == QueuedEntryState.Waiting));
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.WakeAsync(Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_new_message_is_tried_while_the_others_pause_and_takes_them_along()
    {
        await using var queue = cluster.NewQueue();
        var tried = await FillAsync(queue);
        await cluster.UntilAsync(() => tried.Count == 2, Step);
        await cluster.UntilAsync(() => States(queue).All(state => state == QueuedEntryState.Waiting));
        cluster.Time.Advance(TimeSpan.FromSeconds(2));
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => States(queue).Count == 1);
        Assert.Equal(tried.Count + Messages, queue.Sender.Taken.Count);
        Assert.True(cluster.Time.GetUtcNow() - tried[1] < cluster.Options.RetryAfter[1]);

        // The one that was tried goes at its own time.
        await queue.EmptyAsync(Step);
    }

    [Fact]
    public async Task A_message_that_comes_while_its_queue_is_about_to_leave_memory_is_tried_at_once()
    {
        await using var queue = cluster.NewQueue();
        var tried = await FillAsync(queue);
        await cluster.UntilAsync(() => tried.Count == 3, Step);
        await cluster.UntilAsync(() => States(queue).All(state => state == QueuedEntryState.Waiting));
        queue.Sender.Answer = queue.Sender.Delivered;

        // While the reminder is being set to the queue's next time.
        Task<EnqueueResult>? comes = null;
        cluster.Tables.WhenCommitting = (where, operations) =>
        {
            if (comes is null && !where.Contains(queue.Id.Domain, StringComparison.Ordinal) && operations.Any(o => o.Row.Contains(queue.Id.Domain, StringComparison.Ordinal)))
            {
                comes = queue.Grain.EnqueueAsync(queue.Message(), Cancellation).AsTask();
            }

            return null;
        };
        await cluster.UntilAsync(() => comes is not null, TimeSpan.FromSeconds(1));
        cluster.Tables.WhenCommitting = null;
        Assert.Equal(EnqueueStatus.Queued, (await comes!).Status);
        await cluster.UntilAsync(() => States(queue).Count == 1);
        Assert.DoesNotContain(queue.Sender.Taken, attempt => attempt.IsUncertain);
        await queue.EmptyAsync(Step);
    }

    [Fact]
    public async Task What_expires_while_its_queue_pauses_ends_at_its_time()
    {
        await using var queue = cluster.NewQueue();
        var tried = await FillAsync(queue);
        var by = cluster.Time.GetUtcNow().AddMinutes(12);
        await queue.Grain.EnqueueAsync(queue.Message() with { DeliverBy = new DeliverBy(by, Returns: true, Trace: false) }, Cancellation);

        // The pause after the third try ends a quarter of an hour later.
        await cluster.UntilAsync(() => tried.Count == 3, Step);
        await cluster.UntilAsync(() => cluster.Time.GetUtcNow() >= by, Step);
        await cluster.UntilAsync(() => States(queue).Count(state => state == QueuedEntryState.Waiting) == Messages);
        Assert.Equal(3, tried.Count);
        Assert.True(cluster.Time.GetUtcNow() < by + Late);

        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.WakeAsync(Cancellation);
        await cluster.UntilAsync(() => States(queue).All(state => state == QueuedEntryState.Reporting));
    }

    /// <summary>Puts some messages into the queue; the times of the attempts, none of which finds a server.</summary>
    private async Task<List<DateTimeOffset>> FillAsync(TestQueue queue)
    {
        var tried = new List<DateTimeOffset>();
        queue.Sender.Answer = attempt =>
        {
            tried.Add(cluster.Time.GetUtcNow());
            return SenderScript.QueueScript.Deferred(attempt, "no connection") with { SiteUntil = cluster.Time.GetUtcNow().AddSeconds(1) };
        };
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => States(queue).All(state => state == QueuedEntryState.Waiting));
        for (var i = 1; i < Messages; i++)
        {
            await queue.EnqueueAsync();
        }

        return tried;
    }

    private Task UntilInactiveAsync(TestQueue queue) =>
        cluster.UntilAsync(() => Task.Run(() => cluster.SiloOfAsync(queue.Id)).GetAwaiter().GetResult() is null, TimeSpan.FromSeconds(5));

    private static IReadOnlyList<QueuedEntryState> States(TestQueue queue) =>
        [.. Task.Run(queue.ListAsync).GetAwaiter().GetResult().Select(entry => entry.State)];
}
