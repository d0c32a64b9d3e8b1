using System.Net;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

public sealed class RelaySenderTests
{
    [Fact]
    public async Task MessageArrivesWithItsTraceAndIsReportedOnce()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message("bob", "eve"));

        Assert.Equal(RelayStatus.Tried, report.Status);
        Assert.All(report.Outcomes, outcome => Assert.Equal((OutcomeKind.Relayed, 250, "2.0.0"), (outcome.Kind, outcome.Code, outcome.Enhanced)));
        var mail = Assert.Single(server.Taken);
        Assert.Equal("ann@us.test", mail.From);
        Assert.Equal(["bob@there.test", "eve@there.test"], mail.To);
        Assert.Equal("Received: from here\r\nSubject: hello\r\n\r\n.hi\r\n", mail.Content);
    }

    [Fact]
    public async Task ServerWithoutDsnIsToldApart()
    {
        await using var server = new MailServer { Extensions = "" };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, Assert.Single(report.Outcomes).Kind);
    }

    [Fact]
    public async Task RecipientsHaveOutcomesOfTheirOwn()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        server.Answer = command => command.StartsWith("RCPT TO:<no@", StringComparison.Ordinal) ? "550 5.1.1 no such user"
            : command.StartsWith("RCPT TO:<later@", StringComparison.Ordinal) ? "450 4.2.1 come again"
            : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message("yes", "no", "later"));

        Assert.Equal(
            [(0, OutcomeKind.Relayed, "2.0.0"), (1, OutcomeKind.Failed, "5.1.1"), (2, OutcomeKind.Deferred, "4.2.1")],
            report.Outcomes.OrderBy(o => o.Recipient).Select(o => (o.Recipient, o.Kind, o.Enhanced)));
        Assert.Equal(["yes@there.test"], Assert.Single(server.Taken).To);
    }

    [Fact]
    public async Task ConnectionIsUsedForFurtherMessagesAndClosedWhenItHasBeenIdle()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        for (var i = 0; i < 5; i++)
        {
            await harness.SendAsync(queue, queue.Message());
        }

        Assert.Equal(1, server.Connections);
        await harness.RunTimeAsync(() => server.Commands.Contains("QUIT"), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task DuplicateOfAJobIsTakenOnce()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var message = queue.Message();

        Assert.Equal(1, harness.Take(queue, message));
        Assert.Equal(1, harness.Take(queue, message));
        await queue.ReportOfAsync(message);
        await harness.SendAsync(queue, queue.Message());

        Assert.Equal(2, server.Taken.Count);
    }

    [Fact]
    public async Task NextHostGetsWhatTheFirstCouldNotTake()
    {
        await using var first = new MailServer();
        await using var second = new MailServer(IPAddress.Parse("127.0.0.2"), first.Port);
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", first, second);
        first.Answer = command => command == "" ? "554 not today" : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal((OutcomeKind.Relayed, "mx1.there.test"), (report.Outcomes[0].Kind, report.Outcomes[0].Host));
        Assert.Equal(1, first.Connections);
    }

    [Theory]
    [InlineData("MAIL", "451 4.3.0 later")]
    [InlineData("RCPT", "421 4.3.2 closing")]
    [InlineData("RCPT", "CLOSE")]
    [InlineData("DATA", "RESET")]
    public async Task HostThatFailsBeforeTheEndIsFollowedByTheNext(string command, string answer)
    {
        await using var first = new MailServer { Extensions = "" };
        await using var second = new MailServer(IPAddress.Parse("127.0.0.2"), first.Port);
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", first, second);
        first.Answer = said => said.StartsWith(command, StringComparison.Ordinal) ? answer : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal((OutcomeKind.Relayed, "mx1.there.test"), (report.Outcomes[0].Kind, report.Outcomes[0].Host));
        Assert.Empty(first.Taken);
    }

    [Fact]
    public async Task PermanentAnswerIsFinalAlthoughThereIsAnotherHost()
    {
        await using var first = new MailServer();
        await using var second = new MailServer(IPAddress.Parse("127.0.0.2"), first.Port);
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", first, second);
        first.Answer = command => command.StartsWith("MAIL", StringComparison.Ordinal) ? "550 5.7.1 go away" : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message("bob", "eve"));

        Assert.All(report.Outcomes, outcome => Assert.Equal((OutcomeKind.Failed, "5.7.1"), (outcome.Kind, outcome.Enhanced)));
        Assert.Equal(0, second.Connections);
    }

    [Fact]
    public async Task GreetingThatRefusesEverybodyBouncesNothing()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        server.Answer = command => command == "" ? "554 5.7.1 you are on a list" : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal((OutcomeKind.Deferred, 554, "4.7.1"), (report.Outcomes[0].Kind, report.Outcomes[0].Code, report.Outcomes[0].Enhanced));
    }

    [Fact]
    public async Task LostEndIsUncertain()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        server.Answer = command => command == "." ? "CLOSE" : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.True(report.IsUncertain);
        Assert.Equal(OutcomeKind.Deferred, report.Outcomes[0].Kind);
    }

    [Fact]
    public async Task AttemptThatIsNoLongerOursDoesNotEnd()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        queue.Owns = _ => false;

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal(RelayStatus.NotTried, report.Status);
        Assert.Empty(server.Taken);
    }

    [Fact]
    public async Task UncertainMessageSaysSoInItsTrace()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message() with { Attempt = 3, IsUncertain = true });

        Assert.StartsWith("X-MailGrains-Repeat: attempt 3;", Assert.Single(server.Taken).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReversePathsOfRecipientsAreTransactionsOfTheirOwn()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var message = queue.Message(
            m => m with { Recipients = [m.Recipients[0], m.Recipients[1] with { ReversePath = "srs@us.test" }, m.Recipients[2]] }, "bob", "eve", "joe");

        var report = await harness.SendAsync(queue, message);

        Assert.All(report.Outcomes, outcome => Assert.Equal(OutcomeKind.Relayed, outcome.Kind));
        Assert.Equal(["ann@us.test bob@there.test,joe@there.test", "srs@us.test eve@there.test"], server.Taken.Select(m => $"{m.From} {string.Join(',', m.To)}"));
    }

    [Fact]
    public async Task SiteThatIsDownDefersTheFirstMessageAndLeavesTheOthersUntried()
    {
        var server = new MailServer();
        await server.DisposeAsync();
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with { Port = 1 };
        harness.Dns.Add("there.test", MailGrains.Testing.Dns.DnsType.A, "127.0.0.1");
        var queue = harness.Queue("there.test");
        var messages = Enumerable.Range(0, 5).Select(_ => queue.Message()).ToArray();

        Assert.Equal(5, harness.Take(queue, messages));
        var reports = await Task.WhenAll(messages.Select(queue.ReportOfAsync));

        var tried = Assert.Single(reports, report => report.Status == RelayStatus.Tried);
        Assert.Equal((OutcomeKind.Deferred, "4.4.1"), (tried.Outcomes[0].Kind, tried.Outcomes[0].Enhanced));
        Assert.All(reports.Where(report => report != tried), report =>
        {
            // The limits of the whole cluster say until when.
            Assert.Equal(RelayStatus.NotTried, report.Status);
            Assert.True(report.SiteUntil > harness.Time.GetUtcNow() + (0.5 * harness.Limits.FirstBackOff), report.Reason);
        });
    }

    [Fact]
    public async Task SenderThatStopsReportsWhatItDidNotStart()
    {
        await using var server = new MailServer { Answer = command => command == "" ? "HANG" : null };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var messages = Enumerable.Range(0, 5).Select(_ => queue.Message()).ToArray();
        harness.Take(queue, messages);
        await SenderHarness.UntilAsync(() => server.Connections > 0);

        var stopping = harness.Sender.StopAsync();
        await harness.RunTimeAsync(() => stopping.IsCompleted, TimeSpan.FromSeconds(1));

        Assert.All(await Task.WhenAll(messages.Select(queue.ReportOfAsync)), report => Assert.Equal(RelayStatus.NotTried, report.Status));
        Assert.Equal(0, harness.Take(queue, queue.Message()));
    }

    [Fact]
    public async Task DomainThatDoesNotExistFailsAtOnceAndOneThatCanNotBeAskedForWaits()
    {
        await using var harness = new SenderHarness();
        harness.Dns.Fail("broken.test");
        var (absent, broken) = (harness.Queue("absent.test"), harness.Queue("broken.test"));

        var failed = await harness.SendAsync(absent, absent.Message());
        var waits = await harness.SendAsync(broken, broken.Message());

        Assert.Equal((OutcomeKind.Failed, "5.1.2"), (failed.Outcomes[0].Kind, failed.Outcomes[0].Enhanced));
        Assert.Equal((OutcomeKind.Deferred, "4.4.3"), (waits.Outcomes[0].Kind, waits.Outcomes[0].Enhanced));
    }

    [Fact]
    public async Task BackupDomainThatLeadsBackWaits()
    {
        await using var harness = new SenderHarness();
        harness.Destinations = harness.Destinations with { OwnHostNames = ["us.test"] };
        harness.Dns.Add("kept.test", MailGrains.Testing.Dns.DnsType.Mx, "10 us.test");
        harness.Dns.Add("loop.test", MailGrains.Testing.Dns.DnsType.Mx, "10 us.test");
        harness.Backups.Add("kept.test");
        var (kept, loop) = (harness.Queue("kept.test"), harness.Queue("loop.test"));

        Assert.Equal("4.4.6", (await harness.SendAsync(kept, kept.Message())).Outcomes[0].Enhanced);
        Assert.Equal("5.4.6", (await harness.SendAsync(loop, loop.Message())).Outcomes[0].Enhanced);
    }

    [Fact]
    public async Task HostThatFailedIsAskedBehindTheOthersForAWhile()
    {
        await using var first = new MailServer { Answer = command => command == "" ? "421 4.3.2 full" : null };
        await using var second = new MailServer(IPAddress.Parse("127.0.0.2"), first.Port);
        await using var harness = new SenderHarness();
        harness.Limits = harness.Limits with { Default = new() { MessagesPerConnection = 1 } };
        harness.AddDomain("there.test", first, second);
        var queue = harness.Queue("there.test");

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(OutcomeKind.Relayed, (await harness.SendAsync(queue, queue.Message())).Outcomes[0].Kind);
        }

        Assert.Equal(1, first.Connections);
        harness.Time.Advance(TimeSpan.FromMinutes(6));
        await harness.SendWhileTimeRunsAsync(queue, queue.Message(), TimeSpan.FromSeconds(1));
        Assert.Equal(2, first.Connections);
    }

    [Fact]
    public async Task ParametersOfDeliveryReportsAreHandedOn()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var message = queue.Message(m => m with
        {
            Return = ReturnContent.Headers,
            EnvelopeId = "QQ+7",
            Recipients = [m.Recipients[0] with { Notify = NotifyOn.Success | NotifyOn.Failure, OriginalRecipient = "rfc822;old@us.test" }],
        });

        await harness.SendAsync(queue, message);

        Assert.Contains(server.Commands, command => command.Contains(" RET=HDRS ENVID=QQ+2B7", StringComparison.Ordinal));
        Assert.Contains(server.Commands, command => command.EndsWith(" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;old@us.test", StringComparison.Ordinal));
    }
}
