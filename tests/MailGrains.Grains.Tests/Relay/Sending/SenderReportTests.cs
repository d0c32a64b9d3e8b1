using System.Net;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>How queues hear what attempts have come to, also where they take it late or never.</summary>
public sealed class SenderReportTests
{
    [Fact]
    public async Task ReportsThatWaitGoTogether()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        queue.Gate = new TaskCompletionSource();
        var messages = Enumerable.Range(0, 10).Select(_ => queue.Message()).ToArray();

        harness.Take(queue, messages);
        await SenderHarness.UntilAsync(() => harness.Sender.Messages == 10 && server.Taken.Count == 10);
        queue.Gate.SetResult();
        await Task.WhenAll(messages.Select(queue.ReportOfAsync));

        Assert.InRange(queue.Batches.Count, 1, 3);
    }

    [Fact]
    public async Task ReportThatFailsIsGivenAgain()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        queue.FailReports(3);

        var report = await harness.SendWhileTimeRunsAsync(queue, queue.Message(), TimeSpan.FromSeconds(1));

        Assert.Equal(OutcomeKind.Relayed, report.Outcomes[0].Kind);
        Assert.Single(server.Taken);
    }

    [Fact]
    public async Task ReportThatFailsForHoursIsNotForgotten()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var message = queue.Message();
        var refused = 0;
        queue.Refuses = _ => Interlocked.Increment(ref refused) > 0;
        Assert.Equal(1, harness.Take(queue, message));
        await SenderHarness.UntilAsync(() => Volatile.Read(ref refused) > 0);
        var start = harness.Time.GetUtcNow();

        await harness.RunTimeAsync(() => harness.Time.GetUtcNow() - start > TimeSpan.FromHours(2), TimeSpan.FromSeconds(30));
        Assert.Equal(1, harness.Sender.Messages);
        Assert.Equal(1, harness.Take(queue, message));
        queue.Refuses = _ => false;
        var report = queue.ReportOfAsync(message);
        await harness.RunTimeAsync(() => report.IsCompleted, TimeSpan.FromSeconds(1));

        Assert.Equal(OutcomeKind.Relayed, (await report).Outcomes[0].Kind);
        Assert.Single(server.Taken);
    }

    [Fact]
    public async Task ReportThatIsNeverTakenHoldsUpNoOther()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var bad = queue.Message();
        var others = Enumerable.Range(0, 20).Select(_ => queue.Message()).ToArray();
        queue.Refuses = report => report.Email == bad.Message.Email;

        harness.Take(queue, [bad, .. others]);
        var reports = Task.WhenAll(others.Select(queue.ReportOfAsync));
        await harness.RunTimeAsync(() => reports.IsCompleted, TimeSpan.FromSeconds(1));
        Assert.Equal(1, harness.Sender.Messages);

        queue.Refuses = _ => false;
        await harness.RunTimeAsync(() => harness.Sender.Messages == 0, TimeSpan.FromSeconds(1));
        Assert.Equal(21, server.Taken.Count);
    }
}
