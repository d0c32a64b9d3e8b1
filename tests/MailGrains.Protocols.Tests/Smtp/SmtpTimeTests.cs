using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpTimeTests
{
    private readonly SmtpFixture _fixture = new();

    [Fact]
    public async Task CommandThatDoesNotComeInFiveMinutesIsTooLate()
    {
        var client = await _fixture.GreetAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(4.9));
        Assert.StartsWith("250 ", await client.AskAsync("NOOP"), StringComparison.Ordinal);
        _fixture.Time.Advance(TimeSpan.FromMinutes(4.9));
        Assert.False(client.Session.IsCompleted);
        _fixture.Time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.StartsWith("421 4.4.2 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.TimedOut, await client.Session);
    }

    [Fact]
    public async Task OctetAMinuteDoesNotProlongACommand()
    {
        var client = await _fixture.GreetAsync();
        for (var minute = 0; minute < 5; minute++)
        {
            Assert.False(client.Session.IsCompleted);
            await client.SendAsync("N");
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(SessionEnd.TimedOut, await client.Session);
    }

    [Fact]
    public async Task OctetAMinuteOfContentIsCutOffInBoundedTime()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await _fixture.BeginDataAsync(backend);
        var minutes = 0;
        for (; minutes < 10 && !client.Session.IsCompleted; minutes++)
        {
            await client.SendAsync("a");
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(4, minutes);
        Assert.Equal(SessionEnd.TimedOut, await client.Session);
        Assert.Equal([SmtpContentFailure.TimedOut], backend.Aborts);
        Assert.StartsWith("421 4.4.2 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SlowButSteadyContentIsTaken()
    {
        var client = await _fixture.BeginDataAsync();
        await client.SendAsync("\r\n");
        for (var minute = 0; minute < 60; minute++)
        {
            await client.SendAsync(new string('a', 240 * 60 - 2) + "\r\n");
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.StartsWith("250 ", await client.AskAsync("."), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TimeThatTheSinkTakesIsNotTheClients()
    {
        var gate = new TaskCompletionSource<SmtpReply?>();
        var backend = new ScriptedSmtpBackend { Write = _ => new(gate.Task) };
        var client = await _fixture.BeginDataAsync(backend);
        await client.SendAsync("a\r\n");
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        gate.SetResult(null);
        Assert.StartsWith("250 ", await client.AskAsync("."), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientThatEndsLinesInBareLfHearsWhyItWasRefused()
    {
        var client = await _fixture.BeginDataAsync();
        await client.SendAsync("Subject: x\n\nbody\n.\n");
        _fixture.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.StartsWith("550 5.6.11 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal([SmtpContentFailure.BareLineEnd], _fixture.Backend!.Aborts);
    }

    [Fact]
    public async Task ClientThatNeverReadsIsGivenUp()
    {
        var client = await _fixture.GreetAsync(new ScriptedSmtpBackend());
        var sending = client.SendAsync(string.Concat(Enumerable.Repeat("HELP\r\n", 90)) + "MAIL FROM:<>\r\n"
            + string.Concat(Enumerable.Repeat("RCPT TO:<a@example.test>\r\n", 100_000)));
        Assert.False(client.Session.IsCompleted);
        Assert.False(sending.IsCompleted);
        _fixture.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(SessionEnd.TimedOut, await client.Session);
        await sending;
    }

    [Fact]
    public async Task ShutdownEndsAnIdleSessionAtOnce()
    {
        var client = await _fixture.GreetAsync();
        await _fixture.Shutdown.CancelAsync();
        Assert.StartsWith("421 4.3.2 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.Shutdown, await client.Session);
    }

    [Fact]
    public async Task ShutdownLetsContentAndItsReplyFinish()
    {
        var client = await _fixture.BeginDataAsync();
        await client.SendAsync("Subject: x\r\n");
        await _fixture.Shutdown.CancelAsync();
        await client.SendAsync("\r\n.\r\nMAIL FROM:<>\r\n");
        var replies = await client.ReadToEndAsync();
        Assert.Equal("250 2.0.0 OK", replies[0]);
        Assert.StartsWith("421 4.3.2 ", replies[1], StringComparison.Ordinal);
        Assert.Single(_fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task ShutdownGivesAnOpenTransactionSecondsForItsNextStep()
    {
        var client = await _fixture.GreetAsync();
        await client.AskAsync("MAIL FROM:<>");
        await _fixture.Shutdown.CancelAsync();
        Assert.False(client.Session.IsCompleted);
        Assert.StartsWith("250 ", await client.AskAsync("RCPT TO:<alice@example.test>"), StringComparison.Ordinal);
        _fixture.Time.Advance(_fixture.Options.ShutdownGrace);
        Assert.StartsWith("421 4.3.2 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShutdownBeforeTheSessionBeganIsAnsweredToo()
    {
        await _fixture.Shutdown.CancelAsync();
        var client = await _fixture.ConnectAsync();
        Assert.StartsWith("421 4.3.2 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }
}
