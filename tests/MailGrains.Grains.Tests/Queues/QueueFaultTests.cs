using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Queues;
using MailGrains.Storage;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>A store that fails for a moment, clocks and operators between two steps: nothing hangs, and nothing ends without an attempt.</summary>
[Collection(SharedQueues.Name)]
public sealed class QueueFaultTests(QueueCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_can_not_be_read_behind_the_start_of_its_attempt_is_tried_again()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        for (var i = 0; i < 5; i++)
        {
            await queue.EnqueueAsync();
        }

        queue.Sender.Answer = queue.Sender.Delivered;
        var isDown = false;
        cluster.Tables.BeforeRead = row =>
        {
            isDown |= row is not null && row.StartsWith("m:", StringComparison.Ordinal);
            return isDown ? throw new StoreException(StoreFailure.Unavailable, "out") : Task.CompletedTask;
        };
        Failing(queue, () => isDown ? CommitFault.Unavailable : null);
        try
        {
            await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
            await cluster.UntilAsync(() => isDown);
            await RunAsync(TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(100));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(5, queue.Sender.Taken.Count);
    }

    [Fact]
    public async Task Of_several_that_are_late_one_that_can_not_be_changed_now_keeps_none_from_being_tried()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => SenderScript.QueueScript.Deferred(attempt);
        for (var i = 0; i < 5; i++)
        {
            await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob"]), Cancellation);
        }

        await RunAsync(cluster.Options.DelayNoticeAfter - TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        var failed = 0;
        Failing(queue, () => failed++ == 0 ? CommitFault.Unavailable : null);
        try
        {
            await cluster.UntilAsync(() => failed > 1, TimeSpan.FromSeconds(5));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await cluster.UntilAsync(() => back.Sender.Taken.Select(taken => taken.Message.Email).Distinct().Count() == 5, TimeSpan.FromSeconds(1));
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EmptyAsync(TimeSpan.FromMinutes(1));
        await back.EmptyAsync(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task An_attempt_of_before_is_taken_as_uncertain_although_that_can_not_be_stored_at_first()
    {
        await using var queue = cluster.NewQueue();
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        await queue.ForgetAsync();
        queue.Sender.Answer = queue.Sender.Delivered;
        var failed = 0;
        Failing(queue, () => ++failed <= 3 ? CommitFault.Unavailable : null);
        try
        {
            await queue.Grain.GetOverviewAsync(Cancellation);
            await cluster.UntilAsync(() => failed > 3, TimeSpan.FromSeconds(1));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        Assert.True(queue.Sender.Taken.Last().IsUncertain);
    }

    [Fact]
    public async Task Mail_for_mailboxes_here_is_tried_again_where_the_end_of_an_attempt_can_not_be_stored()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        for (var i = 0; i < 3; i++)
        {
            var message = queue.Message("", ["bob"]);
            await queue.Grain.EnqueueAsync(
                message with { Recipients = [message.Recipients[0] with { Mailbox = new MailboxId("tenant", 0, "nobody") }] }, Cancellation);
        }

        var commits = 0;
        Failing(queue, () => ++commits is 3 or 4 ? CommitFault.Unavailable : null);
        try
        {
            await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
            await cluster.UntilAsync(() => commits > 4, TimeSpan.FromMilliseconds(100));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(OutcomeKind.Failed)]
    [InlineData(OutcomeKind.Deferred)]
    public async Task A_thousand_recipients_with_long_replies_of_long_hosts_fit_in_one_transaction_each_time(OutcomeKind kind)
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        var text = new string('\u00e4', RecipientOutcome.MaxTextLength);
        var host = $"{new string('a', 63)}.{new string('b', 63)}.{new string('c', 63)}.{new string('d', 60)}";
        queue.Sender.Answer = attempt => new RelayReport(
            attempt.Message.Email, attempt.Attempt, RelayStatus.Tried, [.. attempt.Recipients.Select(r => new RecipientOutcome(r, kind, 450, "4.1.1", text, host))]);
        var failed = 0;
        Failing(back, () => ++failed < 40 && kind == OutcomeKind.Deferred ? CommitFault.Unavailable : null);
        try
        {
            await queue.Grain.EnqueueAsync(
                queue.Message($"ann@{back.Id.Domain}", [.. Enumerable.Range(0, QueuedMessage.MaxRecipients).Select(i => $"u{i}")]), Cancellation);

            // While reports can't be sent, those of a delay and of the end come to lie in the entry together.
            await queue.EmptyAsync(TimeSpan.FromMinutes(5));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await back.EmptyAsync(TimeSpan.FromSeconds(1));
        Assert.NotEmpty(back.Sender.Taken);
    }

    [Fact]
    public async Task What_is_dropped_while_its_attempt_begins_leaves_no_place_taken()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        for (var i = 0; i < 20; i++)
        {
            await queue.EnqueueAsync();
        }

        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isReached = false;
        cluster.Tables.BeforeRead = row =>
        {
            var isMessage = row is not null && row.StartsWith("m:", StringComparison.Ordinal);
            isReached |= isMessage;
            return isMessage ? hold.Task : Task.CompletedTask;
        };
        Task<int> dropping;
        try
        {
            await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
            await cluster.UntilAsync(() => isReached);
            dropping = queue.Grain.OrderAsync(Order(QueueOrderKind.Drop), Cancellation).AsTask();
        }
        finally
        {
            hold.SetResult();
            cluster.Tables.Heal();
        }

        Assert.Equal(0, await dropping);
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 20);
        await queue.Grain.ReportAsync([.. queue.Sender.Taken.Select(queue.Sender.Delivered)], Cancellation);
        Assert.Equal((0, 0), await queue.Grain.GetOverviewAsync(Cancellation) is var overview ? (overview.Messages, overview.InProgress) : default);
    }

    [Fact]
    public async Task Neither_a_retry_nor_a_release_sends_before_its_time_what_is_to_be_sent_later()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var at = cluster.Time.GetUtcNow().AddHours(3);
        await queue.Grain.EnqueueAsync(queue.Message() with { NotBefore = at }, Cancellation);
        await queue.Grain.WakeAsync(Cancellation);
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Hold), Cancellation);
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Release), Cancellation);
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Retry) with { Sender = "ann@here.test" }, Cancellation);
        await cluster.UntilAsync(() => !queue.Sender.Taken.IsEmpty, TimeSpan.FromSeconds(10));
        Assert.True(cluster.Time.GetUtcNow() >= at);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task What_was_suspended_past_its_time_is_tried_once_more_and_that_decides()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob"]), Cancellation);
        await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["eve"]), Cancellation);
        cluster.Time.Advance(cluster.Options.MaxAge + TimeSpan.FromDays(1));
        await RunAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1));
        Assert.Equal(2, (await queue.ListAsync()).Count);
        queue.Sender.Answer = attempt => attempt.Message.Recipients[0].ForwardPath.StartsWith("bob", StringComparison.Ordinal)
            ? queue.Sender.Delivered(attempt)
            : SenderScript.QueueScript.Deferred(attempt, "still busy");
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
        await queue.EmptyAsync();
        await back.EmptyAsync();
        Assert.Equal(2, queue.Sender.Taken.Count);
        var report = Assert.Single(back.Sender.Taken).Message;
        var content = System.Text.Encoding.UTF8.GetString(report.Body.Inline!);
        Assert.Contains("Status: 5.4.7", content, StringComparison.Ordinal);
        Assert.Contains("still busy", content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_waits_for_a_site_that_can_not_be_used_is_given_up_when_its_time_is_over()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        var isFirst = true;
        queue.Sender.Answer = attempt =>
        {
            var until = cluster.Time.GetUtcNow().AddMinutes(10);
            var tried = isFirst;
            isFirst = !isFirst;
            return tried
                ? SenderScript.QueueScript.Deferred(attempt, "no route to host") with { SiteUntil = until }
                : new RelayReport(attempt.Message.Email, attempt.Attempt, RelayStatus.NotTried, []) { SiteUntil = until, Reason = "no connection" };
        };
        for (var i = 0; i < 10; i++)
        {
            await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob"]) with { DeliverBy = null }, Cancellation);
        }

        // Steps that are longer than a commit may take end activations: the last of the time goes slowly.
        await RunAsync(cluster.Options.MaxAge, TimeSpan.FromMinutes(5));
        await queue.EmptyAsync(TimeSpan.FromSeconds(2));
        await back.EmptyAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(20, back.Sender.Taken.Select(taken => taken.Message.Email).Distinct().Count());
    }

    [Fact]
    public async Task What_has_no_more_time_is_not_given_up_since_its_site_is_at_its_limits()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        for (var i = 0; i < 3; i++)
        {
            await queue.EnqueueAsync();
        }

        cluster.Time.Advance(cluster.Options.MaxAge + TimeSpan.FromDays(1));
        var refused = 0;
        queue.Sender.Answer = attempt => ++refused > 6
            ? queue.Sender.Delivered(attempt)
            : new RelayReport(attempt.Message.Email, attempt.Attempt, RelayStatus.NotTried, [])
            {
                SiteUntil = cluster.Time.GetUtcNow().AddMinutes(1),
                Reason = "the site has had its messages for now",
            };
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(3, queue.Sender.Taken.TakeLast(3).Select(taken => taken.Message.Email).Distinct().Count());
    }

    [Fact]
    public void A_clock_that_is_set_back_loses_none_of_what_was_ready()
    {
        var (schedule, entry) = (new QueueSchedule(), NewEntry());
        schedule.Note(entry, 1);
        schedule.Collect(1_000, _ => { });
        Assert.Null(schedule.TakeReady(999));
        Assert.Equal(1_000, schedule.Next);
        schedule.Collect(1_000, _ => { });
        Assert.Same(entry, schedule.TakeReady(1_000));
    }

    [Fact]
    public void What_is_ready_already_is_not_made_ready_again()
    {
        var (schedule, entry) = (new QueueSchedule(), NewEntry());
        for (var i = 0; i < 100; i++)
        {
            schedule.Note(entry, 1);
            schedule.Collect(1_000, _ => { });
        }

        Assert.Same(entry, schedule.TakeReady(1_000));
        Assert.False(schedule.HasReady);
    }

    [Fact]
    public void What_is_ready_is_late_all_the_same()
    {
        var (schedule, entry) = (new QueueSchedule(), NewEntry());
        entry.DelayAt = 5_000;
        schedule.Note(entry, 1);
        schedule.Collect(1_000, _ => { });
        Assert.Equal(5_000, schedule.Next);
        var late = new List<QueueEntry>();
        schedule.Collect(5_000, late.Add);
        Assert.Same(entry, Assert.Single(late));
    }

    private static QueueEntry NewEntry() => new(EmailId.New(DateTimeOffset.UnixEpoch.AddDays(1_000))) { Left = RecipientSet.All(1), Due = 1_000, Expires = 100_000 };

    private static QueueOrder Order(QueueOrderKind kind) => new(kind, new QueueMark("op", "test", null));

    private void Failing(TestQueue queue, Func<CommitFault?> fault) => cluster.Tables.WhenCommitting = (where, _) =>
        where.StartsWith("queue:", StringComparison.Ordinal) && where.Contains(queue.Id.Domain, StringComparison.Ordinal) ? fault() : null;

    private async Task RunAsync(TimeSpan total, TimeSpan step)
    {
        for (var end = cluster.Time.GetUtcNow() + total; cluster.Time.GetUtcNow() < end;)
        {
            await cluster.AdvanceAsync(step);
        }
    }
}
