using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>What a receiver says without end is not kept. What the process holds is measured, so no other test runs beside.</summary>
[Collection(Alone.Name)]
public sealed class EndlessReplyTests
{
    private const int Replies = 5;

    // A fraction of one reply of 10 MiB.
    private const long MostHeld = 4 << 20;

    [Fact]
    public async Task Endless_replies_cost_no_memory()
    {
        await using var server = new MailServer { Answer = said => said.StartsWith("MAIL", StringComparison.Ordinal) ? "LONG" : null };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        await harness.SendAsync(queue, queue.Message());
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var i = 0; i < Replies; i++)
        {
            harness.Time.Advance(TimeSpan.FromMinutes(20));
            await harness.SendWhileTimeRunsAsync(queue, queue.Message(), TimeSpan.FromSeconds(1));
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, MostHeld);
    }
}

/// <summary>Tests of the collection run when all others have ended, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
