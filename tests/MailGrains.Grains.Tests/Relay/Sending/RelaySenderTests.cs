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
