using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Testing.Faults;
using Orleans.Runtime;

namespace MailGrains.Grains.Tests.Queues;

[Collection(SharedQueues.Name)]
public sealed class DomainQueueTests(QueueCluster cluster)
{
    private static SiloAddress OtherSilo { get; } = SiloAddress.New(System.Net.IPAddress.Loopback, 9, 9);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_is_sent_at_once_and_then_nothing_of_it_is_left()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var message = await queue.EnqueueAsync("bob", "eve");
        await queue.EmptyAsync();
        var sent = Assert.Single(queue.Sender.Taken);
        Assert.Equal((message.Email, 1, false), (sent.Message.Email, sent.Attempt, sent.IsUncertain));
        Assert.Equal([0, 1], sent.Recipients);
    }

    [Fact]
    public async Task A_small_message_costs_one_transaction_to_keep_when_the_queue_has_been_made()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Room = 0;
        await queue.EnqueueAsync();
        var partition = Storage.Bodies.BodyHolder.PartitionOf(queue.Id);
        var commits = 0;
        cluster.Tables.WhenCommitting = (where, _) =>
        {
            commits += where == partition ? 1 : 0;
            return null;
        };
        await queue.EnqueueAsync();
        cluster.Tables.WhenCommitting = null;
        Assert.Equal(1, commits);
        queue.Sender.Room = int.MaxValue;
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_message_that_is_handed_over_again_is_recognised_even_after_it_was_sent()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var message = queue.Message("bob", "eve");
        Assert.Equal(EnqueueStatus.Queued, (await queue.Grain.EnqueueAsync(message, Cancellation)).Status);
        Assert.Equal(EnqueueStatus.Repeated, (await queue.Grain.EnqueueAsync(message, Cancellation)).Status);
        await queue.EmptyAsync();
        await queue.ForgetAsync();
        var again = message with { Email = Contracts.Mailboxes.EmailId.New(cluster.Time.GetUtcNow()) };
        Assert.Equal(EnqueueStatus.Repeated, (await queue.Grain.EnqueueAsync(again, Cancellation)).Status);
        Assert.Single(queue.Sender.Taken);
    }

    [Fact]
    public async Task What_a_repeat_adds_is_sent_to_the_new_recipient_alone()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var both = queue.Message("bob", "eve");
        var first = both with { Recipients = [both.Recipients[0]] };
        await queue.Grain.EnqueueAsync(first, Cancellation);
        await queue.EmptyAsync();
        var again = both with { Email = Contracts.Mailboxes.EmailId.New(cluster.Time.GetUtcNow()) };
        Assert.Equal(EnqueueStatus.Queued, (await queue.Grain.EnqueueAsync(again, Cancellation)).Status);
        await queue.EmptyAsync();
        Assert.Equal([1], queue.Sender.Taken.Last().Recipients);
    }

    [Fact]
    public async Task A_deferred_message_comes_back_as_the_schedule_says()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = a => SenderScript.QueueScript.Deferred(a);
        var message = await queue.EnqueueAsync();
        var waits = new List<TimeSpan>();
        for (var attempt = 1; attempt <= 4; attempt++)
        {
            await cluster.UntilAsync(() => queue.Sender.Taken.Count == attempt, TimeSpan.FromSeconds(1));
            await UntilAsync(queue, e => e is { State: QueuedEntryState.Waiting } && e.Attempts == attempt);
            waits.Add((await queue.ListAsync())[0].NextAttempt - cluster.Time.GetUtcNow());
        }

        foreach (var (wait, expected) in waits.Zip(cluster.Options.RetryAfter))
        {
            Assert.InRange(expected - wait, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }

        var entry = Assert.Single(await queue.ListAsync());
        Assert.Equal((message.Email, "mx.example: 451 4.3.0 busy"), (entry.Email, entry.LastReply));
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.WakeAsync(Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task Only_recipients_that_are_left_are_tried_again()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = a => queue.Sender.Outcomes(a, r => r == 1 ? OutcomeKind.Deferred : OutcomeKind.Relayed, 0, "", "");
        await queue.EnqueueAsync("bob", "eve", "joe");
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        queue.Sender.Answer = queue.Sender.Delivered;
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 2, TimeSpan.FromSeconds(1));
        Assert.Equal([1], queue.Sender.Taken.Last().Recipients);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_new_activation_leaves_begun_attempts_to_their_senders_and_starts_all_others_at_once()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Room = 1;
        var begun = await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        Assert.Equal(EnqueueStatus.Queued, (await queue.Grain.EnqueueAsync(queue.Message() with { NotBefore = cluster.Time.GetUtcNow().AddSeconds(5) }, Cancellation)).Status);
        await queue.ForgetAsync();
        queue.Sender.Room = int.MaxValue;
        await queue.Grain.GetOverviewAsync(Cancellation);
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 2);
        Assert.NotEqual(begun.Email, queue.Sender.Taken.Last().Message.Email);

        // Its sender still lives, and reports to the activation that there is.
        Assert.True(await queue.ClaimAsync(begun.Email, 1));
        await queue.Grain.ReportAsync([.. queue.Sender.Taken.Select(queue.Sender.Delivered)], Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task An_attempt_whose_end_was_never_heard_is_repeated_as_uncertain_after_the_grace()
    {
        await using var queue = cluster.NewQueue();
        var message = await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        await queue.ForgetAsync();
        await queue.Grain.GetOverviewAsync(Cancellation);
        var started = cluster.Time.GetUtcNow();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 2, TimeSpan.FromSeconds(1));
        Assert.InRange(cluster.Time.GetUtcNow() - started, cluster.Options.ReportGrace, cluster.Options.ReportGrace * 2);
        var second = queue.Sender.Taken.Last();
        Assert.Equal((message.Email, 2, true), (second.Message.Email, second.Attempt, second.IsUncertain));

        // The first sender asks before the end of its content, and is told that it is late.
        Assert.False(await queue.ClaimAsync(message.Email, 1));
        await queue.Grain.ReportAsync([queue.Sender.Delivered(queue.Sender.Taken.First())], Cancellation);
        Assert.Single(await queue.ListAsync());
        await queue.Grain.ReportAsync([queue.Sender.Delivered(second)], Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_stale_activation_that_has_committed_nothing_for_long_asks_the_store_before_it_says_yes()
    {
        await using var queue = cluster.NewQueue();
        var message = await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        Assert.True(await queue.ClaimAsync(message.Email, 1));
        cluster.Time.Advance(cluster.Options.OwnershipTime);
        cluster.Tables.WhenCommitting = (where, _) => where.Contains(queue.Id.Domain, StringComparison.Ordinal) ? CommitFault.Unavailable : null;
        Assert.False(await queue.ClaimAsync(message.Email, 1));
        cluster.Tables.WhenCommitting = null;
        Assert.True(await queue.ClaimAsync(message.Email, 1));
        await queue.Grain.ReportAsync([queue.Sender.Delivered(queue.Sender.Taken.First())], Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task An_attempt_whose_taking_was_never_heard_of_goes_to_another_sender_under_another_number()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.LostAnswers = 1;
        var message = await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        Assert.False(await queue.ClaimAsync(message.Email, 1, OtherSilo));
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 2);

        var second = queue.Sender.Taken.Last();
        Assert.Equal((message.Email, 2, false), (second.Message.Email, second.Attempt, second.IsUncertain));
        Assert.False(await queue.ClaimAsync(message.Email, 1, OtherSilo));
        Assert.True(await queue.ClaimAsync(message.Email, 2));

        // The first one gives up; that ends nothing.
        await queue.Grain.ReportAsync([new RelayReport(message.Email, 1, RelayStatus.NotTried, [])], Cancellation);
        Assert.True(await queue.ClaimAsync(message.Email, 2));
        await queue.Grain.ReportAsync([queue.Sender.Delivered(second)], Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task An_attempt_that_was_claimed_before_its_taking_could_be_heard_of_is_given_to_nobody_else()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.LostAnswers = 1;
        var claimed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        queue.Sender.Meanwhile = async job => claimed.TrySetResult(await queue.ClaimAsync(job.Messages[0].Message.Email, 1));
        var message = await queue.EnqueueAsync();
        await cluster.UntilAsync(() => claimed.Task.IsCompleted);
        Assert.True(await claimed.Task);
        for (var i = 0; i < 10; i++)
        {
            cluster.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(1, (await queue.Grain.GetOverviewAsync(Cancellation)).InProgress);
        }

        Assert.False(await queue.ClaimAsync(message.Email, 1, OtherSilo));
        await queue.Grain.ReportAsync([queue.Sender.Delivered(Assert.Single(queue.Sender.Taken))], Cancellation);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_queue_without_room_at_its_sender_asks_again_when_that_says()
    {
        await using var queue = cluster.NewQueue();
        (queue.Sender.Room, queue.Sender.Wait) = (0, TimeSpan.FromSeconds(20));
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Jobs.Count == 1);
        var started = cluster.Time.GetUtcNow();
        queue.Sender.Room = int.MaxValue;
        queue.Sender.Answer = queue.Sender.Delivered;
        await cluster.UntilAsync(() => queue.Sender.Jobs.Count == 2, TimeSpan.FromMilliseconds(200));
        Assert.InRange(cluster.Time.GetUtcNow() - started, TimeSpan.FromSeconds(19), TimeSpan.FromSeconds(40));
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task Where_no_sender_answers_a_queue_asks_ever_less_often()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.LostAnswers = int.MaxValue;
        await queue.EnqueueAsync();
        var started = cluster.Time.GetUtcNow();
        await cluster.UntilAsync(() => queue.Sender.Jobs.Count == 8, TimeSpan.FromMilliseconds(250));
        Assert.InRange(cluster.Time.GetUtcNow() - started, TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(5));
        queue.Sender.LostAnswers = 0;
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EmptyAsync(TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public async Task The_reminder_stands_before_the_first_message_is_kept_and_goes_when_the_queue_stays_empty()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Room = 0;
        var kept = false;
        var hadReminder = false;
        cluster.Tables.WhenCommitting = (where, operations) =>
        {
            if (!kept && where.Contains(queue.Id.Domain, StringComparison.Ordinal) && operations.Any(o => o.Row.StartsWith("m:", StringComparison.Ordinal)))
            {
                kept = true;
                hadReminder = cluster.HasReminderAsync(queue.Id).GetAwaiter().GetResult();
            }

            return null;
        };
        await queue.EnqueueAsync();
        cluster.Tables.WhenCommitting = null;
        Assert.True(kept && hadReminder);
        queue.Sender.Answer = queue.Sender.Delivered;
        queue.Sender.Room = int.MaxValue;
        await queue.EmptyAsync();
        var has = true;
        await cluster.UntilAsync(() => !(has = has && Task.Run(() => cluster.HasReminderAsync(queue.Id)).GetAwaiter().GetResult()), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Where_the_reminder_cannot_be_stored_nothing_is_kept()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        cluster.Tables.WhenCommitting = (where, _) => where.Contains("queue", StringComparison.Ordinal) || where.Contains(queue.Id.Domain, StringComparison.Ordinal)
            ? null
            : CommitFault.Unavailable;
        var message = queue.Message();
        Assert.Equal(EnqueueStatus.Unavailable, (await queue.Grain.EnqueueAsync(message, Cancellation)).Status);
        cluster.Tables.WhenCommitting = null;
        Assert.Empty(await queue.ListAsync());
        Assert.Equal(EnqueueStatus.Queued, (await queue.Grain.EnqueueAsync(message, Cancellation)).Status);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_job_that_no_sender_has_room_for_is_offered_again()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Room = 0;
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Jobs.Count >= 2);
        Assert.Empty(queue.Sender.Taken);
        queue.Sender.Room = int.MaxValue;
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task A_site_that_can_not_be_used_is_left_alone_until_its_time_and_that_is_no_attempt()
    {
        await using var queue = cluster.NewQueue();
        var until = cluster.Time.GetUtcNow().AddMinutes(3);
        queue.Sender.Answer = a => new RelayReport(a.Message.Email, a.Attempt, RelayStatus.NotTried, []) { SiteUntil = until, Reason = "no connection" };
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        await UntilAsync(queue, e => e.State == QueuedEntryState.Waiting);
        await queue.EnqueueAsync();
        queue.Sender.Answer = queue.Sender.Delivered;
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 3, TimeSpan.FromSeconds(1));
        Assert.True(cluster.Time.GetUtcNow() >= until);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task Higher_priority_goes_first_when_both_are_due()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Room = 0;
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        var low = queue.Message() with { Priority = -3 };
        var high = queue.Message() with { Priority = 5 };
        await queue.Grain.EnqueueAsync(low, Cancellation);
        await queue.Grain.EnqueueAsync(high, Cancellation);
        queue.Sender.Room = int.MaxValue;
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
        await queue.EmptyAsync();
        Assert.Equal([high.Email, low.Email], queue.Sender.Taken.Select(t => t.Message.Email));
    }

    [Fact]
    public async Task What_is_to_be_sent_later_waits_for_its_time()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var at = cluster.Time.GetUtcNow().AddHours(1);
        await queue.Grain.EnqueueAsync(queue.Message() with { NotBefore = at }, Cancellation);
        Assert.Equal(at, (await queue.ListAsync())[0].NextAttempt);
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1, TimeSpan.FromSeconds(20));
        Assert.True(cluster.Time.GetUtcNow() >= at);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task Of_many_messages_at_once_none_is_lost_or_doubled_while_commits_fail_and_activations_end()
    {
        await using var queue = cluster.NewQueue();
        CommitFault[] faults = [CommitFault.LostBefore, CommitFault.LostAfter, CommitFault.Unavailable, CommitFault.Full];
        var random = new Random(7);
        var turn = 0;
        queue.Sender.Answer = a => Interlocked.Increment(ref turn) % 3 == 0 ? SenderScript.QueueScript.Deferred(a) : queue.Sender.Delivered(a);
        cluster.Tables.WhenCommitting = (where, _) => where.Contains(queue.Id.Domain, StringComparison.Ordinal) && random.Next(10) == 0
            ? faults[random.Next(faults.Length)]
            : null;
        cluster.Tables.BeforeRead = row => row is not null && row.StartsWith("m:", StringComparison.Ordinal) && random.Next(10) == 0
            ? throw new Storage.StoreException(Storage.StoreFailure.Unavailable, "out")
            : Task.CompletedTask;
        var kept = new List<QueuedMessage>();
        for (var round = 0; round < 5; round++)
        {
            var messages = Enumerable.Range(0, 40).Select(_ => queue.Message()).ToList();
            var results = await PassAsync(Task.WhenAll(messages.Select(m => queue.Grain.EnqueueAsync(m, Cancellation).AsTask())));
            kept.AddRange(messages.Zip(results).Where(p => p.Second.IsKept).Select(p => p.First));
            await PassAsync(Task.Run(async () =>
            {
                await queue.ForgetAsync();
                return true;
            }));
        }

        cluster.Tables.Heal();
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.WakeAsync(Cancellation);
        await queue.EmptyAsync(TimeSpan.FromSeconds(2));
        Assert.Empty(kept.Select(m => m.Email).Except(queue.Sender.Taken.Select(t => t.Message.Email)));
    }

    private async Task<T> PassAsync<T>(Task<T> task)
    {
        await cluster.UntilAsync(() => task.IsCompleted, TimeSpan.FromMilliseconds(50));
        return await task;
    }

    private async Task UntilAsync(TestQueue queue, Func<QueuedEntry, bool> isSo) =>
        await cluster.UntilAsync(() => Task.Run(async () => isSo((await queue.ListAsync())[0])).GetAwaiter().GetResult(), TimeSpan.FromMilliseconds(1));

    private static QueueOrder Order(QueueOrderKind kind) => new(kind, new QueueMark("op", "test", null));
}
