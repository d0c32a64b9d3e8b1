using MailGrains.Contracts.Relay;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>Whatever a receiver does, an attempt ends in bounded time, with nothing worse than it deserves.</summary>
public sealed class HostileServerTests
{
    private const string D = "Deferred";
    private const string F = "Failed";

    [Theory]
    [InlineData("", "HANG", D + " 4.4.2")]
    [InlineData("", "CLOSE", D + " 4.4.2")]
    [InlineData("", "RESET", D + " 4.4.2 or " + D + " 4.4.1")]
    [InlineData("", "ENDLESS", D + " 4.5.0")]
    [InlineData("", "LONG", D + " 4.5.0")]
    [InlineData("", "nonsense", D + " 4.5.0")]
    [InlineData("", "354 go", D + " 4.5.0")]
    [InlineData("", "421 4.3.2 full", D + " 4.3.2")]
    [InlineData("", "554 5.7.1 no", D + " 4.7.1")]
    [InlineData("EHLO", "HANG", D + " 4.4.2")]
    [InlineData("EHLO", "CLOSE", D + " 4.4.2")]
    [InlineData("EHLO", "ENDLESS", D + " 4.5.0")]
    [InlineData("EHLO", "LONG", D + " 4.5.0")]
    [InlineData("EHLO", "421 no", D + " 4.0.0")]
    [InlineData("MAIL", "HANG", D + " 4.4.2")]
    [InlineData("MAIL", "CLOSE", D + " 4.4.2")]
    [InlineData("MAIL", "ENDLESS", D + " 4.5.0")]
    [InlineData("MAIL", "LONG", D + " 4.5.0")]
    [InlineData("MAIL", "421 4.7.0 too fast", D + " 4.7.0")]
    [InlineData("MAIL", "451 4.3.0 later", D + " 4.3.0")]
    [InlineData("MAIL", "550 no", F + " 5.0.0")]
    [InlineData("MAIL", "354 what", D + " 4.5.0")]
    [InlineData("RCPT", "HANG", D + " 4.4.2")]
    [InlineData("RCPT", "CLOSE", D + " 4.4.2")]
    [InlineData("RCPT", "450 4.2.0 greylisted", D + " 4.2.0")]
    [InlineData("RCPT", "452 4.5.3 too many", D + " 4.5.3")]
    [InlineData("RCPT", "552 full", D + " 4.0.0")]
    [InlineData("RCPT", "550 5.1.1 unknown", F + " 5.1.1")]
    [InlineData("DATA", "HANG", D + " 4.4.2")]
    [InlineData("DATA", "CLOSE", D + " 4.4.2")]
    [InlineData("DATA", "250 ok", D + " 4.5.0")]
    [InlineData("DATA", "451 later", D + " 4.0.0")]
    [InlineData("DATA", "554 5.5.1 no", F + " 5.5.1")]
    [InlineData(".", "HANG", D + " 4.4.2 uncertain")]
    [InlineData(".", "CLOSE", D + " 4.4.2 uncertain")]
    [InlineData(".", "RESET", D + " 4.4.2 uncertain")]
    [InlineData(".", "ENDLESS", D + " 4.5.0 uncertain")]
    [InlineData(".", "LONG", D + " 4.5.0 uncertain")]
    [InlineData(".", "354 what", D + " 4.5.0 uncertain")]
    [InlineData(".", "421 4.3.0 closing", D + " 4.3.0")]
    [InlineData(".", "452 4.3.1 full", D + " 4.3.1")]
    [InlineData(".", "550 5.7.1 spam", F + " 5.7.1")]
    [InlineData(".", "550 2.0.0 spam", F + " 5.0.0")]
    public async Task EachStepMayGoWrongInAnyWay(string step, string answer, string expected)
    {
        await using var server = new MailServer { Extensions = "PIPELINING DSN" };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var reached = new TaskCompletionSource();
        server.Answer = said =>
        {
            if (step.Length == 0 ? said.Length > 0 : !said.StartsWith(step, StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }

            reached.TrySetResult();
            return answer;
        };

        // The clock leaps, and a lease that could not be renewed meanwhile would end the connection.
        harness.Limits = harness.Limits with { Lease = TimeSpan.FromHours(10) };
        var queue = harness.Queue("there.test");

        var pending = harness.SendAsync(queue, queue.Message());
        if (answer == "HANG")
        {
            await reached.Task;
            await harness.RunTimeAsync(() => pending.IsCompleted, TimeSpan.FromSeconds(10));
        }

        var report = await pending;
        var text = report.Status == RelayStatus.NotTried
            ? "NotTried"
            : $"{report.Outcomes[0].Kind} {report.Outcomes[0].Enhanced}{(report.IsUncertain ? " uncertain" : "")}";
        Assert.Contains(text, expected, StringComparison.Ordinal);
        Assert.Empty(server.Taken);
        Assert.All(report.Outcomes, outcome => Assert.InRange(outcome.Text.Length, 1, RecipientOutcome.MaxTextLength));
    }

    [Fact]
    public async Task EndlessRepliesCostNoMemory()
    {
        await using var server = new MailServer { Answer = said => said.StartsWith("MAIL", StringComparison.Ordinal) ? "LONG" : null };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        await harness.SendAsync(queue, queue.Message());
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var i = 0; i < 5; i++)
        {
            harness.Time.Advance(TimeSpan.FromMinutes(20));
            await harness.SendWhileTimeRunsAsync(queue, queue.Message(), TimeSpan.FromSeconds(1));
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4 << 20);
    }

    [Fact]
    public async Task TextOfAServerIsCleanedAndCut()
    {
        await using var server = new MailServer
        {
            Answer = said => said.StartsWith("RCPT", StringComparison.Ordinal) ? "550 5.1.1 " + new string('x', 900) + "\u0007\u001b[31m" : null,
        };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        var outcome = (await harness.SendAsync(queue, queue.Message())).Outcomes[0];

        Assert.InRange(outcome.Text.Length, 100, RecipientOutcome.MaxTextLength);
        Assert.DoesNotContain('\u001b', outcome.Text);
    }

    [Fact]
    public async Task ServerThatClosesIdleConnectionsGetsAnotherOneAtOnce()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var mails = 0;
        server.Answer = said => said.StartsWith("MAIL", StringComparison.Ordinal) && Interlocked.Increment(ref mails) == 2 ? "421 4.4.2 idle for too long" : null;
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message());
        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal(OutcomeKind.Relayed, report.Outcomes[0].Kind);
        Assert.Equal((2, 2), (server.Taken.Count, server.Connections));
    }

    [Fact]
    public async Task SizeBeyondTheServersIsNotSent()
    {
        await using var server = new MailServer { Extensions = "SIZE=20" };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        var outcome = (await harness.SendAsync(queue, queue.Message())).Outcomes[0];

        Assert.Equal((OutcomeKind.Failed, 552, "5.3.4"), (outcome.Kind, outcome.Code, outcome.Enhanced));
        Assert.DoesNotContain(server.Commands, command => command.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task HostThatDoesNotAnswerIsFollowedByTheNext()
    {
        await using var server = new MailServer(System.Net.IPAddress.Parse("127.0.0.2"));
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with { Port = server.Port, Smtp = new SmtpClientOptions { HelloName = "us.test" } };
        harness.Dns.Add("there.test", DnsType.Mx, "10 dead.there.test");
        harness.Dns.Add("there.test", DnsType.Mx, "20 mx.there.test");
        harness.Dns.Add("dead.there.test", DnsType.A, "127.0.0.3");
        harness.Dns.Add("mx.there.test", DnsType.A, "127.0.0.2");
        var queue = harness.Queue("there.test");

        Assert.Equal("mx.there.test", (await harness.SendAsync(queue, queue.Message())).Outcomes[0].Host);
    }
}
