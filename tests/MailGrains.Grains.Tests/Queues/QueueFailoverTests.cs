using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>What becomes of attempts whose queue's silo ends. It has the sender too.</summary>
[Collection(SharedQueues.Name)]
public sealed class QueueFailoverTests : IAsyncLifetime
{
    private readonly QueueCluster _cluster = new(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Attempts_of_a_sender_that_ended_are_repeated_as_uncertain_at_once()
    {
        await using var queue = _cluster.NewQueue();
        var begun = await queue.EnqueueAsync();
        await _cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        queue.Sender.Answer = queue.Sender.Delivered;

        await _cluster.KillAsync((await _cluster.SiloOfAsync(queue.Id))!);
        var ended = _cluster.Time.GetUtcNow();
        await _cluster.RecoverAsync();
        await _cluster.UntilAsync(() => queue.Sender.Taken.Count == 2);

        Assert.InRange(_cluster.Time.GetUtcNow() - ended, TimeSpan.Zero, _cluster.Options.ReportGrace / 2);
        var again = queue.Sender.Taken.Last();
        Assert.Equal((begun.Email, 2, true), (again.Message.Email, again.Attempt, again.IsUncertain));
        Assert.False(await queue.ClaimAsync(begun.Email, 1));
        await queue.EmptyAsync();
    }

    [Fact]
    public async Task Attempts_of_a_sender_that_lives_are_left_to_it_when_their_queue_moves()
    {
        await using var queue = _cluster.NewQueue();
        var begun = await queue.EnqueueAsync();
        await _cluster.UntilAsync(() => queue.Sender.Taken.Count == 1);
        await queue.ForgetAsync();

        await queue.Grain.GetOverviewAsync(Cancellation);
        var later = await queue.EnqueueAsync();
        await _cluster.UntilAsync(() => queue.Sender.Taken.Count == 2);
        _cluster.Time.Advance(_cluster.Options.ReportGrace / 2);
        Assert.True(await queue.ClaimAsync(begun.Email, 1));
        Assert.Equal([begun.Email, later.Email], queue.Sender.Taken.Select(taken => taken.Message.Email));
        await queue.Grain.ReportAsync([.. queue.Sender.Taken.Select(queue.Sender.Delivered)], Cancellation);
        await queue.EmptyAsync();
    }
}
