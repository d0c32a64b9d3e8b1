using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>What operators order.</summary>
[Collection(SharedQueues.Name)]
public sealed class QueueOrderTests(QueueCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_suspended_queue_starts_nothing_until_its_time_is_over()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var until = cluster.Time.GetUtcNow().AddMinutes(2);
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Suspend, new QueueMark("op", "moving", until)), Cancellation);
        await queue.EnqueueAsync();
        await queue.ForgetAsync();
        Assert.Equal("moving", (await queue.Grain.GetOverviewAsync(Cancellation)).Suspended?.Reason);
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1, TimeSpan.FromSeconds(1));
        Assert.True(cluster.Time.GetUtcNow() >= until);
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task Held_messages_stay_until_they_are_released_and_dropped_ones_are_gone()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        await queue.Grain.EnqueueAsync(queue.Message("ann@here.test", ["bob"]), Cancellation);
        var other = queue.Message("joe@there.test", ["bob"]);
        await queue.Grain.EnqueueAsync(other, Cancellation);
        Assert.Equal(1, await queue.Grain.OrderAsync(Order(QueueOrderKind.Drop) with { Sender = "*@here.test" }, Cancellation));
        Assert.Equal(1, await queue.Grain.OrderAsync(Order(QueueOrderKind.Hold) with { Messages = [other.Email] }, Cancellation));
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
        await queue.ForgetAsync();
        var entry = Assert.Single(await queue.ListAsync());
        Assert.Equal(QueuedEntryState.Held, entry.State);
        Assert.Equal(1, await queue.Grain.OrderAsync(Order(QueueOrderKind.Release), Cancellation));
        await queue.EmptyAsync();
        Assert.Equal(other.Email, Assert.Single(queue.Sender.Taken).Message.Email);
    }

    [Fact]
    public async Task An_operators_route_goes_with_each_job()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var route = new QueueRoute("relay.example", 2525, new QueueMark("op", "detour", null));
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Route) with { Route = route }, Cancellation);
        await queue.EnqueueAsync();
        await queue.EmptyAsync();
        Assert.Equal(route, queue.Sender.Jobs.Last().Route);
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Route), Cancellation);
        await queue.EnqueueAsync();
        await queue.EmptyAsync();
        Assert.Null(queue.Sender.Jobs.Last().Route);
    }

    [Fact]
    public async Task An_operators_route_whose_time_is_over_does_not_count_any_more()
    {
        await using var queue = cluster.NewQueue();
        queue.Sender.Answer = queue.Sender.Delivered;
        var until = cluster.Time.GetUtcNow().AddMinutes(2);
        var route = new QueueRoute("relay.example", 2525, new QueueMark("op", "detour", until));
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Route) with { Route = route }, Cancellation);
        await queue.EnqueueAsync();
        await queue.EmptyAsync();
        Assert.Equal(route, queue.Sender.Jobs.Last().Route);
        await queue.ForgetAsync();
        Assert.Equal(route, (await queue.Grain.GetOverviewAsync(Cancellation)).Route);
        cluster.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Null((await queue.Grain.GetOverviewAsync(Cancellation)).Route);
        await queue.EnqueueAsync();
        await queue.EmptyAsync();
        Assert.Null(queue.Sender.Jobs.Last().Route);
    }

    [Fact]
    public async Task Held_messages_go_by_themselves_when_the_time_of_the_hold_is_over_and_say_until_then_who_holds_them()
    {
        await using var queue = cluster.NewQueue();
        var start = cluster.Time.GetUtcNow();
        queue.Sender.Room = 0;
        await queue.EnqueueAsync();
        await queue.EnqueueAsync();
        await cluster.UntilAsync(() => !queue.Sender.Jobs.IsEmpty);
        await queue.ForgetAsync();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        cluster.Time.Advance(cluster.Options.ReportGrace);
        var mark = new QueueMark("op", "is it spam?", start.AddMinutes(10).AddTicks(1));
        Assert.Equal(2, await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Hold, mark), Cancellation));
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
        queue.Sender.Room = int.MaxValue;
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.ForgetAsync();
        foreach (var entry in await queue.ListAsync())
        {
            Assert.Equal((QueuedEntryState.Held, "op", "is it spam?", start.AddMinutes(10)), (entry.State, entry.Hold?.By, entry.Hold?.Reason, entry.Hold?.Until));
        }

        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 2, TimeSpan.FromSeconds(2));
        Assert.True(cluster.Time.GetUtcNow() >= start.AddMinutes(10));
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task What_ran_out_of_time_while_it_was_held_is_tried_before_it_is_returned()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Suspend), Cancellation);
        await queue.EnqueueAsync();
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Hold), Cancellation);
        await queue.Grain.OrderAsync(Order(QueueOrderKind.Resume), Cancellation);
        await queue.ForgetAsync();
        cluster.Time.Advance(cluster.Options.MaxAge + TimeSpan.FromDays(1));
        queue.Sender.Answer = queue.Sender.Delivered;
        Assert.Equal(1, await queue.Grain.OrderAsync(Order(QueueOrderKind.Release), Cancellation));
        await cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
    }

    [Fact]
    public async Task An_order_that_meets_nothing_makes_no_queue()
    {
        await using var queue = cluster.NewQueue();
        Assert.Equal(0, await queue.Grain.OrderAsync(Order(QueueOrderKind.Drop), Cancellation));
        Assert.Empty(await queue.ListAsync());
        Assert.Equal(0, (await queue.Grain.GetOverviewAsync(Cancellation)).Messages);
        var partition = Storage.Bodies.BodyHolder.PartitionOf(queue.Id);
        Assert.Null(await cluster.Tables.ReadAsync(Storage.TableNames.Mail, partition, "h", Cancellation));
    }

    private static QueueOrder Order(QueueOrderKind kind) => new(kind, new QueueMark("op", "test", null));
}
