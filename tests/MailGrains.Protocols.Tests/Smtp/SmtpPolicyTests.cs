using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>The greeting that is held back, and refusals that come later and later.</summary>
public sealed class SmtpPolicyTests
{
    private readonly SmtpFixture _fixture = new();

    [Fact]
    public async Task ClientThatWaitsIsGreetedAfterTheDelay()
    {
        var client = Open(new() { HostName = "mx.example.test", GreetDelay = TimeSpan.FromSeconds(2) });
        Assert.False(client.Transport.Input.TryRead(out _));
        _fixture.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.StartsWith("220 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientThatSpeaksBeforeItsGreetingIsSentAway()
    {
        var client = Open(new() { HostName = "mx.example.test", GreetDelay = TimeSpan.FromSeconds(2) });
        await client.SendAsync("EHLO client.example\r\n");
        Assert.StartsWith("554 5.5.1 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.EarlyTalker, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task TrustedClientIsGreetedAtOnce()
    {
        var client = Open(new() { HostName = "mx.example.test", GreetDelay = TimeSpan.FromSeconds(2) }, new SmtpConnection { IsTrusted = true });
        Assert.StartsWith("220 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShutdownDoesNotWaitForTheGreeting()
    {
        var client = Open(new() { HostName = "mx.example.test", GreetDelay = TimeSpan.FromSeconds(2) });
        await _fixture.Shutdown.CancelAsync();
        Assert.Equal(SessionEnd.Shutdown, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RefusalsComeLaterAndLaterAndShutdownDoesNotWaitForThem()
    {
        var client = Open(new() { HostName = "mx.example.test", TarpitDelay = TimeSpan.FromSeconds(1) });
        await client.ReadReplyAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.StartsWith("500 ", await client.AskAsync("WHAT"), StringComparison.Ordinal);
        }

        foreach (var seconds in new[] { 1, 2, 3, 4, 5, 6, 7, 8, 8 })
        {
            await client.SendAsync("WHAT\r\n");
            _fixture.Time.Advance(TimeSpan.FromSeconds(seconds - 0.1));
            Assert.False(client.Transport.Input.TryRead(out _));
            _fixture.Time.Advance(TimeSpan.FromSeconds(0.1));
            Assert.StartsWith("500 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        }

        await client.SendAsync("WHAT\r\n");
        await _fixture.Shutdown.CancelAsync();
        Assert.Equal(SessionEnd.Shutdown, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task TrustedClientIsNotSlowedDown()
    {
        var client = Open(new() { HostName = "mx.example.test", TarpitDelay = TimeSpan.FromSeconds(1) }, new SmtpConnection { IsTrusted = true });
        await client.ReadReplyAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.StartsWith("500 ", await client.AskAsync("WHAT"), StringComparison.Ordinal);
        }
    }

    private WireClient Open(SmtpServerOptions options, SmtpConnection? connection = null)
    {
        var session = new SmtpServerSession(options, new ScriptedSmtpBackend(), _fixture.Time, connection);
        return new WireClient(transport => session.RunAsync(transport, _fixture.Shutdown.Token));
    }
}
