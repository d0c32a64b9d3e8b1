using System.Net;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>What a site may hold, how many connections it has, and who goes first.</summary>
public sealed class SiteShareTests
{
    [Fact]
    public async Task TenThousandQueuesWithoutRoomAskSomeHundredTimesASecondAndEachHasItsTurn()
    {
        const int Queues = 10_000;
        await using var dead = new MailServer { Answer = _ => "HANG" };
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with { MaxUnproven = 2, MaxSiteUnproven = 2 };
        harness.AddDomain("dead.test", dead);
        var first = harness.Queue("dead.test");
        Assert.Equal(2, harness.Take(first, first.Message(), first.Message()));
        await SenderHarness.UntilAsync(() => dead.Connections == 1);
        var message = first.Message();
        var waiting = new PriorityQueue<int, TimeSpan>();
        var asks = new int[Queues];
        for (var i = 0; i < Queues; i++)
        {
            waiting.Enqueue(i, TimeSpan.Zero);
        }

        var now = TimeSpan.Zero;
        while (waiting.TryDequeue(out var one, out var at) && at < TimeSpan.FromSeconds(41))
        {
            // As queues do: not before half a second.
            harness.Time.Advance(at - now);
            now = at;

            // Every five seconds, by other threads: the lease must not run out.
            await SenderHarness.UntilAsync(() => harness.SinceRenewal < TimeSpan.FromSeconds(6));
            asks[one]++;
            var taken = harness.Sender.Take(new RelayJob(new QueueId("tenant", 0, $"d{one}.test", 0), [message], null));
            Assert.Equal(0, taken.Count);
            waiting.Enqueue(one, at + (taken.Wait > TimeSpan.FromSeconds(0.5) ? taken.Wait : TimeSpan.FromSeconds(0.5)));
        }

        Assert.All(asks, times => Assert.InRange(times, 2, 4));
        Assert.InRange((asks.Sum() - Queues) / 41, 400, 500);
    }

    [Fact]
    public async Task ConnectionThatWaitsForItsTurnEndsWithItsLease()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.Limits = harness.Limits with
        {
            Default = new() { Connections = 1, Messages = 1, Period = TimeSpan.FromSeconds(24) },
            MaxWait = TimeSpan.FromMinutes(1),
        };
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        await harness.SendAsync(queue, queue.Message());
        harness.Take(queue, queue.Message());
        var start = harness.Time.GetUtcNow();
        await harness.RunTimeAsync(() => harness.Time.GetUtcNow() - start >= TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(0.25));
        harness.AreLimitsDown = true;

        await harness.RunTimeAsync(() => server.Open == 0, TimeSpan.FromSeconds(0.25));

        Assert.Single(server.Taken);
        Assert.InRange(harness.Time.GetUtcNow() - start, TimeSpan.FromSeconds(10), harness.Limits.Lease + TimeSpan.FromSeconds(3));
        harness.AreLimitsDown = false;
    }

    [Fact]
    public async Task SiteNeverHasMoreConnectionsThanItsLimit()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.Limits = harness.Limits with { Default = new() { Connections = 3, MessagesPerConnection = 7 } };
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var messages = Enumerable.Range(0, 100).Select(_ => queue.Message()).ToArray();

        Assert.Equal(100, harness.Take(queue, messages));
        var reports = Task.WhenAll(messages.Select(queue.ReportOfAsync));
        await harness.RunTimeAsync(() => reports.IsCompleted, TimeSpan.FromMilliseconds(100));

        Assert.All(await reports, report => Assert.Equal(RelayStatus.Tried, report.Status));
        Assert.Equal(100, server.Taken.Count);
        Assert.InRange(server.MostOpen, 1, 3);
        Assert.InRange(server.Connections, 15, 40);
    }

    [Fact]
    public async Task DeadSiteHoldsNoMoreThanItsShareAndTheOthersGoOn()
    {
        await using var dead = new MailServer { Answer = _ => "HANG" };
        await using var server = new MailServer(IPAddress.Parse("127.0.0.2"), dead.Port);
        await using var harness = new SenderHarness();
        harness.AddDomain("dead.test", dead);
        harness.AddDomain("there.test", server);
        var (slow, queue) = (harness.Queue("dead.test"), harness.Queue("there.test"));

        var taken = harness.Take(slow, [.. Enumerable.Range(0, 500).Select(_ => slow.Message())]);
        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal(100, taken);
        Assert.Equal(OutcomeKind.Relayed, report.Outcomes[0].Kind);
    }

    [Fact]
    public async Task QueuesOfASiteTakeTurns()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.Limits = harness.Limits with { Default = new() { Connections = 1 } };
        harness.AddDomain("there.test", server);
        var (busy, other) = (harness.Queue("there.test"), harness.Queue("there.test", "other"));
        var gate = new ManualResetEventSlim();
        server.Answer = said => said.StartsWith("MAIL", StringComparison.Ordinal) && !gate.Wait(TimeSpan.FromSeconds(30)) ? "421 no" : null;

        harness.Take(busy, [.. Enumerable.Range(0, 50).Select(_ => busy.Message("many"))]);
        var few = Enumerable.Range(0, 3).Select(_ => other.Message("few")).ToArray();
        await SenderHarness.UntilAsync(() => server.Connections > 0);
        harness.Take(other, few);
        await SenderHarness.UntilAsync(() => harness.Sender.Messages == 53);
        gate.Set();
        await Task.WhenAll(few.Select(other.ReportOfAsync));

        Assert.InRange(server.Taken.Count, 4, 15);
        await SenderHarness.UntilAsync(() => server.Taken.Count == 53);
    }

    [Fact]
    public async Task MoreUrgentMessagesGoFirst()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.Limits = harness.Limits with { Default = new() { Connections = 1 } };
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var messages = Enumerable.Range(0, 20).Select(i => queue.Message(m => m with { Priority = i == 19 ? 5 : 0, ReversePath = $"n{i}@us.test" })).ToArray();

        harness.Take(queue, messages);
        await Task.WhenAll(messages.Select(queue.ReportOfAsync));

        Assert.Contains("n19@us.test", server.Taken.Take(3).Select(mail => mail.From));
    }
}
