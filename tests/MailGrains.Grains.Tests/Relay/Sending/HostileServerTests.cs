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

    // What the failure says something of: the next message is sent at once, or the site is left alone.
    private const bool Mail = false;
    private const bool Site = true;

    [Theory]
    [InlineData("", "HANG", D + " 4.4.2", Site)]
    [InlineData("", "DRIP", D + " 4.4.2", Site)]
    [InlineData("", "CLOSE", D + " 4.4.2", Site)]
    [InlineData("", "RESET", "Deferred 4.4.2 or Deferred 4.4.1", Site)]
    [InlineData("", "ENDLESS", D + " 4.5.0", Site)]
    [InlineData("", "LONG", D + " 4.5.0", Site)]
    [InlineData("", "nonsense", D + " 4.5.0", Site)]
    [InlineData("", "999 what", D + " 4.5.0", Site)]
    [InlineData("", "250-a\r\n251 b", D + " 4.5.0", Site)]
    [InlineData("EHLO", "HANG", D + " 4.4.2", Site)]
    [InlineData("EHLO", "DRIP", D + " 4.4.2", Site)]
    [InlineData("EHLO", "CLOSE", D + " 4.4.2", Site)]
    [InlineData("EHLO", "RESET", D + " 4.4.2", Site)]
    [InlineData("EHLO", "ENDLESS", D + " 4.5.0", Site)]
    [InlineData("EHLO", "LONG", D + " 4.5.0", Site)]
    [InlineData("EHLO", "nonsense", D + " 4.5.0", Site)]
    [InlineData("EHLO", "999 what", D + " 4.5.0", Site)]
    [InlineData("EHLO", "250-a\r\n251 b", D + " 4.5.0", Site)]
    [InlineData("MAIL", "HANG", D + " 4.4.2", Site)]
    [InlineData("MAIL", "DRIP", D + " 4.4.2", Site)]
    [InlineData("MAIL", "CLOSE", D + " 4.4.2", Mail)]
    [InlineData("MAIL", "RESET", D + " 4.4.2", Mail)]
    [InlineData("MAIL", "ENDLESS", D + " 4.5.0", Mail)]
    [InlineData("MAIL", "LONG", D + " 4.5.0", Mail)]
    [InlineData("MAIL", "nonsense", D + " 4.5.0", Mail)]
    [InlineData("MAIL", "999 what", D + " 4.5.0", Mail)]
    [InlineData("MAIL", "250-a\r\n251 b", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "HANG", D + " 4.4.2", Site)]
    [InlineData("RCPT", "DRIP", D + " 4.4.2", Site)]
    [InlineData("RCPT", "CLOSE", D + " 4.4.2", Mail)]
    [InlineData("RCPT", "RESET", D + " 4.4.2", Mail)]
    [InlineData("RCPT", "ENDLESS", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "LONG", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "nonsense", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "999 what", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "250-a\r\n251 b", D + " 4.5.0", Mail)]
    [InlineData("DATA", "HANG", D + " 4.4.2", Site)]
    [InlineData("DATA", "DRIP", D + " 4.4.2", Site)]
    [InlineData("DATA", "CLOSE", D + " 4.4.2", Mail)]
    [InlineData("DATA", "RESET", D + " 4.4.2", Mail)]
    [InlineData("DATA", "ENDLESS", D + " 4.5.0", Mail)]
    [InlineData("DATA", "LONG", D + " 4.5.0", Mail)]
    [InlineData("DATA", "nonsense", D + " 4.5.0", Mail)]
    [InlineData("DATA", "999 what", D + " 4.5.0", Mail)]
    [InlineData("DATA", "250-a\r\n251 b", D + " 4.5.0", Mail)]
    [InlineData("", "354 go", D + " 4.5.0", Site)]
    [InlineData("", "421 4.3.2 full", D + " 4.3.2", Site)]
    [InlineData("", "554 5.7.1 no", D + " 4.7.1", Site)]
    [InlineData("", "220 a\r\n220 b", D + " 4.5.0", Mail)]
    [InlineData("EHLO", "354 go", D + " 4.5.0", Site)]
    [InlineData("EHLO", "421 no", D + " 4.0.0", Site)]
    [InlineData("EHLO", "450 no", D + " 4.0.0", Site)]
    [InlineData("EHLO", "250 a\r\n250 b", D + " 4.5.0", Mail)]
    [InlineData("MAIL", "354 what", D + " 4.5.0", Mail)]
    [InlineData("MAIL", "421 4.7.0 too fast", D + " 4.7.0", Site)]
    [InlineData("MAIL", "451 4.3.0 later", D + " 4.3.0", Mail)]
    [InlineData("MAIL", "550 no", F + " 5.0.0", Mail)]
    [InlineData("MAIL", "250 ok\r\n250 ok", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "354 what", D + " 4.5.0", Mail)]
    [InlineData("RCPT", "421 4.3.2 bye", D + " 4.3.2", Site)]
    [InlineData("RCPT", "450 4.2.0 greylisted", D + " 4.2.0", Mail)]
    [InlineData("RCPT", "452 4.5.3 too many", D + " 4.5.3", Mail)]
    [InlineData("RCPT", "552 full", D + " 4.0.0", Mail)]
    [InlineData("RCPT", "550 5.1.1 unknown", F + " 5.1.1", Mail)]
    [InlineData("DATA", "250 ok", D + " 4.5.0", Mail)]
    [InlineData("DATA", "421 4.3.2 bye", D + " 4.3.2", Site)]
    [InlineData("DATA", "451 later", D + " 4.0.0", Mail)]
    [InlineData("DATA", "554 5.5.1 no", F + " 5.5.1", Mail)]
    [InlineData("DATA", "354 go\r\n552 5.3.4 too big", F + " 5.3.4", Mail)]
    [InlineData("DATA", "354 go\r\n250 kept already", D + " 4.5.0", Mail)]
    [InlineData("DATA", "354 go\r\n421 4.3.2 bye", D + " 4.3.2", Site)]
    [InlineData(".", "HANG", D + " 4.4.2 uncertain", Site)]
    [InlineData(".", "DRIP", D + " 4.4.2 uncertain", Site)]
    [InlineData(".", "CLOSE", D + " 4.4.2 uncertain", Mail)]
    [InlineData(".", "RESET", D + " 4.4.2 uncertain", Mail)]
    [InlineData(".", "ENDLESS", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "LONG", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "nonsense", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "999 what", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "354 what", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "421 4.3.0 closing", D + " 4.3.0", Site)]
    [InlineData(".", "452 4.3.1 full", D + " 4.3.1", Mail)]
    [InlineData(".", "550 5.7.1 spam", F + " 5.7.1", Mail)]
    [InlineData(".", "550 2.0.0 spam", F + " 5.0.0", Mail)]
    public async Task EachStepMayGoWrongInAnyWay(string step, string answer, string expected, bool isAlone)
    {
        await using var server = new MailServer { Extensions = "PIPELINING DSN" };
        await using var harness = HostileRun.Harness();
        harness.AddDomain("there.test", server);
        var reached = new TaskCompletionSource();
        server.Answer = HostileRun.GoesWrong(step, answer, reached);
        var queue = harness.Queue("there.test");

        var report = await HostileRun.TryAsync(harness, queue, queue.Message(), reached.Task, HostileRun.IsSilent(answer) ? PatienceAt(step) : null);

        Assert.Contains(HostileRun.Text(report), expected.Split(" or "));
        Assert.Empty(server.Taken);
        await HostileRun.RecoverAsync(harness, queue, server, isAlone);
    }

    // Chunk by chunk: nobody has the end before the first is answered. All at once: the end is sent, unless the connection ends before.
    [Theory]
    [InlineData("BDAT", "HANG", D + " 4.4.2", Site)]
    [InlineData("BDAT", "DRIP", D + " 4.4.2", Site)]
    [InlineData("BDAT", "CLOSE", D + " 4.4.2", Mail)]
    [InlineData("BDAT", "RESET", D + " 4.4.2", Mail)]
    [InlineData("BDAT", "ENDLESS", D + " 4.5.0", Mail)]
    [InlineData("BDAT", "LONG", D + " 4.5.0", Mail)]
    [InlineData("BDAT", "nonsense", D + " 4.5.0", Mail)]
    [InlineData("BDAT", "354 go", D + " 4.5.0", Mail)]
    [InlineData("BDAT", "250 ok\r\n250 ok", D + " 4.5.0", Mail)]
    [InlineData("BDAT", "421 4.3.2 bye", D + " 4.3.2", Site)]
    [InlineData("BDAT", "452 4.3.1 full", D + " 4.3.1", Mail)]
    [InlineData("BDAT", "552 5.3.4 too big", F + " 5.3.4", Mail)]
    [InlineData(".", "HANG", D + " 4.4.2 uncertain", Site)]
    [InlineData(".", "CLOSE", D + " 4.4.2 uncertain", Mail)]
    [InlineData(".", "ENDLESS", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "LONG", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "354 go", D + " 4.5.0 uncertain", Mail)]
    [InlineData(".", "452 4.3.1 full", D + " 4.3.1", Mail)]
    [InlineData(".", "550 5.7.1 spam", F + " 5.7.1", Mail)]
    [InlineData("BDAT", "HANG", D + " 4.4.2 uncertain", Site, "PIPELINING ")]
    [InlineData("BDAT", "CLOSE", D + " 4.4.2 or " + D + " 4.4.2 uncertain", Mail, "PIPELINING ")]
    [InlineData("BDAT", "LONG", D + " 4.5.0 uncertain", Mail, "PIPELINING ")]
    [InlineData("BDAT", "452 4.3.1 full", D + " 4.3.1", Mail, "PIPELINING ")]
    public async Task EachChunkMayGoWrongInAnyWay(string step, string answer, string expected, bool isAlone, string pipelining = "")
    {
        await using var server = new MailServer { Extensions = pipelining + "CHUNKING" };
        await using var harness = HostileRun.Harness();
        harness.Options = harness.Options with { Smtp = harness.Options.Smtp with { ChunkBytes = 64 } };
        harness.AddDomain("there.test", server);
        var reached = new TaskCompletionSource();
        server.Answer = HostileRun.GoesWrong(step, answer, reached);
        var queue = harness.Queue("there.test");
        var message = queue.Message("Subject: hello\r\n\r\n" + string.Concat(Enumerable.Repeat("some more of it\r\n", 20)), change: null);

        var report = await HostileRun.TryAsync(harness, queue, message, reached.Task, HostileRun.IsSilent(answer) ? PatienceAt(pipelining.Length > 0 ? "." : step) : null);

        Assert.Contains(HostileRun.Text(report), expected.Split(" or "));
        Assert.Empty(server.Taken);
        await HostileRun.RecoverAsync(harness, queue, server, isAlone);
    }

    [Theory]
    [InlineData("HANG", D + " 4.4.2", Site)]
    [InlineData("DRIP", D + " 4.4.2", Site)]
    [InlineData("CLOSE", "Relayed 2.0.0", Mail)]
    [InlineData("RESET", "Relayed 2.0.0", Mail)]
    [InlineData("421 4.4.2 idle", "Relayed 2.0.0", Mail)]
    [InlineData("ENDLESS", D + " 4.5.0", Mail)]
    [InlineData("LONG", D + " 4.5.0", Mail)]
    [InlineData("nonsense", D + " 4.5.0", Mail)]
    [InlineData("354 go", D + " 4.5.0", Mail)]
    [InlineData("451 no", D + " 4.5.0", Mail)]
    [InlineData("502 no", D + " 4.5.0", Mail)]
    public async Task ResetOfARefusedTransactionMayGoWrongInAnyWay(string answer, string expected, bool isAlone)
    {
        await using var server = new MailServer { Extensions = "PIPELINING DSN" };
        await using var harness = HostileRun.Harness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var reached = new TaskCompletionSource();
        var goesWrong = HostileRun.GoesWrong("RSET", answer, reached);
        server.Answer = said => said.Contains("<gone@", StringComparison.Ordinal) ? "550 5.1.1 unknown" : goesWrong(said);
        Assert.Equal(F + " 5.1.1", HostileRun.Text(await harness.SendAsync(queue, queue.Message("gone"))));

        var report = await HostileRun.TryAsync(harness, queue, queue.Message(), reached.Task, HostileRun.IsSilent(answer) ? TimeSpan.FromMinutes(5) : null);

        Assert.Equal(expected, HostileRun.Text(report));
        await HostileRun.RecoverAsync(harness, queue, server, isAlone);
    }

    [Theory]
    [InlineData("HANG")]
    [InlineData("DRIP")]
    [InlineData("CLOSE")]
    [InlineData("RESET")]
    [InlineData("ENDLESS")]
    [InlineData("LONG")]
    [InlineData("nonsense")]
    [InlineData("354 go")]
    [InlineData("421 4.3.2 bye")]
    [InlineData("550 no")]
    public async Task WhatIsSaidToQuitChangesNothing(string answer)
    {
        await using var server = new MailServer();
        await using var harness = HostileRun.Harness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var reached = new TaskCompletionSource();
        server.Answer = HostileRun.GoesWrong("QUIT", answer, reached);

        Assert.Equal("Relayed 2.0.0", HostileRun.Text(await harness.SendAsync(queue, queue.Message())));
        await harness.RunTimeAsync(() => reached.Task.IsCompleted, TimeSpan.FromSeconds(1));

        await HostileRun.RecoverAsync(harness, queue, server, isAlone: false);
        Assert.Equal(2, server.Connections);
    }

    private static TimeSpan PatienceAt(string step) => step switch
    {
        "DATA" => TimeSpan.FromMinutes(2),
        "." => TimeSpan.FromMinutes(10),
        _ => TimeSpan.FromMinutes(5),
    };

    [Fact]
    public async Task ServerThatTakesEachStepJustInTimeIsNotWaitedForAllDay()
    {
        await using var server = new MailServer { Extensions = "DSN" };
        await using var harness = HostileRun.Harness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var began = harness.Time.GetUtcNow();
        server.Answer = said =>
        {
            if (said.StartsWith("RCPT", StringComparison.Ordinal))
            {
                harness.Time.Advance(TimeSpan.FromMinutes(4.9));
            }

            return null;
        };

        var report = await harness.SendAsync(queue, queue.Message([.. Enumerable.Range(0, 50).Select(i => $"bob{i}")]));

        Assert.All(report.Outcomes, outcome => Assert.Equal((OutcomeKind.Deferred, "4.4.2"), (outcome.Kind, outcome.Enhanced)));
        Assert.Equal(50, report.Outcomes.Length);
        Assert.InRange(harness.Time.GetUtcNow() - began, TimeSpan.FromMinutes(25), TimeSpan.FromMinutes(40));
        await HostileRun.RecoverAsync(harness, queue, server, isAlone: true);
    }

    [Theory]
    [InlineData("PIPELINING", "DATA", "354 go|HANG")]
    [InlineData("CHUNKING", "BDAT", "250 ok|HANG")]
    public async Task ServerThatReadsNoMoreIsGivenUp(string extensions, string step, string answer)
    {
        await using var server = new MailServer { Extensions = extensions };
        await using var harness = HostileRun.Harness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var reached = new TaskCompletionSource();
        server.Answer = HostileRun.GoesWrong(step, answer, reached);
        var large = queue.Message("Subject: large\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 998) + "\r\n", 12_000)), change: null);

        var pending = harness.SendAsync(queue, large);
        await reached.Task;
        await harness.RunTimeAsync(() => pending.IsCompleted, TimeSpan.FromSeconds(10));

        Assert.Equal(D + " 4.4.2", HostileRun.Text(await pending));
        await HostileRun.RecoverAsync(harness, queue, server, isAlone: true);
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
