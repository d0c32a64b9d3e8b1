using MailGrains.Contracts.Relay;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>One attempt at a server that goes wrong at one step, and another when it is well again.</summary>
internal static class HostileRun
{
    /// <summary>Beyond a time that has run out: how late a busy machine may notice, while the clock leaps.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan BackOff = TimeSpan.FromHours(5);

    /// <summary>
    /// The clock leaps: a lease that could not be renewed meanwhile would end a connection, a back-off could be over before anybody has looked, and who connects
    /// could be too late.
    /// </summary>
    public static SenderHarness Harness()
    {
        var harness = new SenderHarness();
        harness.Limits = harness.Limits with { Lease = TimeSpan.FromHours(10), FirstBackOff = BackOff, MaxBackOff = BackOff, Jitter = 0 };
        harness.Options = harness.Options with { ConnectTimeout = TimeSpan.FromHours(1) };
        return harness;
    }

    public static bool IsSilent(string answer) => answer.EndsWith("HANG", StringComparison.Ordinal) || answer.EndsWith("DRIP", StringComparison.Ordinal);

    /// <summary>What a server says from a step on; with an empty one, as its greeting.</summary>
    /// <param name="reached">Set when it has come to that.</param>
    public static Func<string, string?> GoesWrong(string step, string answer, TaskCompletionSource reached) => said =>
    {
        if (step.Length == 0 ? said.Length > 0 : !said.StartsWith(step, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        reached.TrySetResult();
        return answer;
    };

    /// <summary>
    /// Sends a message, which must come to an end: a silent server's not before its time is over, and not long after; any other's while no time passes.
    /// </summary>
    /// <param name="silence">How long a server is waited for that says nothing, or never comes to an end; null: it says something.</param>
    public static async Task<RelayReport> TryAsync(SenderHarness harness, FakeQueue queue, RelayMessage message, Task reached, TimeSpan? silence)
    {
        var began = harness.Time.GetUtcNow();
        var pending = harness.SendAsync(queue, message);
        if (silence is { } time)
        {
            await reached.WaitAsync(TimeSpan.FromSeconds(30));
            harness.Time.Advance(time - TimeSpan.FromSeconds(1));
            Assert.False(pending.IsCompleted, "It was given up too early.");
            await harness.RunTimeAsync(() => pending.IsCompleted, TimeSpan.FromSeconds(1));
        }

        var report = await pending;
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.Zero, silence is null ? TimeSpan.Zero : silence.Value + Slack);
        Assert.All(report.Outcomes, outcome => Assert.InRange(outcome.Text.Length, 1, RecipientOutcome.MaxTextLength));
        return report;
    }

    public static string Text(RelayReport report) => report.Status != RelayStatus.Tried
        ? report.Status.ToString()
        : $"{report.Outcomes[0].Kind} {report.Outcomes[0].Enhanced}{(report.IsUncertain ? " uncertain" : "")}";

    /// <summary>
    /// The server is well again. Where the failure was the site's, it is left alone for a while, and no longer than that; after any other the next message is tried at once.
    /// </summary>
    public static async Task RecoverAsync(SenderHarness harness, FakeQueue queue, MailServer server, bool isAlone)
    {
        var taken = server.Taken.Count;
        server.Answer = _ => null;
        if (isAlone)
        {
            await SenderHarness.UntilAsync(() => harness.IsSiteLeftAlone);
            var refused = await harness.SendAsync(queue, queue.Message());
            Assert.Equal(RelayStatus.NotTried, refused.Status);
            Assert.InRange(refused.SiteUntil!.Value - harness.Time.GetUtcNow(), TimeSpan.FromSeconds(0.1), BackOff);
            harness.Time.Advance(refused.SiteUntil.Value - harness.Time.GetUtcNow());
        }

        Assert.Equal(isAlone, harness.IsSiteLeftAlone);
        var next = await harness.SendWhileTimeRunsAsync(queue, queue.Message(), TimeSpan.FromSeconds(0.1));

        Assert.StartsWith("Relayed", Text(next), StringComparison.Ordinal);
        Assert.Equal(taken + 1, server.Taken.Count);
    }
}
