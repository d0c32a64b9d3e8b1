using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpContentTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public async Task MessageIsKeptAsItCameWithDotsUnstuffed(int pieceBytes)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.BeginDataAsync();
        await client.SendAsync("Subject: x\r\n\r\nline\r\n..dot\r\n...\r\n. \r\n\r\n.\r\n", pieceBytes);
        Assert.Equal("250 2.0.0 OK", await client.ReadReplyAsync());
        Assert.Equal("221 2.0.0 Bye", await client.AskAsync("QUIT"));
        Assert.Equal(SessionEnd.Quit, await client.Session);
        Assert.Equal(["Subject: x\r\n\r\nline\r\n.dot\r\n..\r\n \r\n\r\n"], fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task EmptyContentIsAMessage()
    {
        var fixture = new SmtpFixture();
        var client = await fixture.BeginDataAsync();
        Assert.StartsWith("250 ", await client.AskAsync("."), StringComparison.Ordinal);
        Assert.Equal([""], fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Theory]
    [InlineData("a\nb", "550 5.6.11", SmtpContentFailure.BareLineEnd)]
    [InlineData("a\rb", "550 5.6.11", SmtpContentFailure.BareLineEnd)]
    [InlineData("a\r\r\nb", "550 5.6.11", SmtpContentFailure.BareLineEnd)]
    [InlineData(".\rb", "550 5.6.11", SmtpContentFailure.BareLineEnd)]
    [InlineData("a\0b", "550 5.6.0", SmtpContentFailure.NulOctet)]
    public async Task FaultyContentIsRefusedAsAWholeAndTheSessionGoesOn(string content, string reply, SmtpContentFailure reason)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.BeginDataAsync();
        await client.SendAsync($"Subject: x\r\n\r\n{content}\r\nmore\r\n.\r\n");
        Assert.StartsWith(reply + " ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal([reason], fixture.Backend!.Aborts);
        Assert.Empty(fixture.MessagesOf(SmtpFixture.Alice));

        await client.AskAsync("MAIL FROM:<>");
        await client.AskAsync($"RCPT TO:<{SmtpFixture.Alice}>");
        await client.AskAsync("DATA");
        Assert.StartsWith("250 ", await client.AskAsync("Subject: y\r\n\r\n."), StringComparison.Ordinal);
        Assert.Single(fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task LimitsOfLineHeaderAndMessageAreRefusedAtTheirFirstOctetTooMuch()
    {
        var options = new SmtpServerOptions { HostName = "mx.example.test", MaxTextLineBytes = 100, MaxHeaderBytes = 250, MaxMessageBytes = 1_000 };
        var line = new string('a', 100) + "\r\n";
        (string Content, string Reply)[] cases =
        [
            ("\r\n" + line, "250 "),
            ("\r\na" + line, "550 5.6.0 "),
            (line + line + new string('b', 44) + "\r\n\r\n", "250 "),
            (line + line + new string('b', 45) + "\r\n\r\n", "552 5.3.4 "),
            ("\r\n" + string.Concat(Enumerable.Repeat(line, 9)) + new string('c', 78) + "\r\n", "250 "),
            ("\r\n" + string.Concat(Enumerable.Repeat(line, 9)) + new string('c', 79) + "\r\n", "552 5.3.4 "),
            ("\r\n" + string.Concat(Enumerable.Repeat(line, 9)) + new string('c', 76) + "\r\n..", "550 5.6.11 "),
        ];
        foreach (var (content, reply) in cases)
        {
            var fixture = new SmtpFixture { Options = options };
            var client = await fixture.BeginDataAsync();
            await client.SendAsync(content.EndsWith("..", StringComparison.Ordinal) ? content[..^2] + "\n.\r\n\r\n.\r\n" : content + ".\r\n");
            Assert.StartsWith(reply, await client.ReadReplyAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task StuffedDotsDoNotCountAsSize()
    {
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxMessageBytes = 300 } };
        var client = await fixture.BeginDataAsync();
        await client.SendAsync("\r\n" + string.Concat(Enumerable.Repeat("..\r\n", 99)) + "\r\n.\r\n");
        Assert.StartsWith("552 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        await client.AskAsync("MAIL FROM:<>");
        await client.AskAsync($"RCPT TO:<{SmtpFixture.Alice}>");
        await client.AskAsync("DATA");
        await client.SendAsync("\r\n" + string.Concat(Enumerable.Repeat("..\r\n", 99)) + ".\r\n");
        Assert.StartsWith("250 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ContentWithoutEndIsCutOffAfterTwiceTheLimit()
    {
        var backend = new ScriptedSmtpBackend();
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxMessageBytes = 1_000 } };
        var client = await fixture.BeginDataAsync(backend);
        var line = new string('a', 998) + "\r\n";
        for (var sent = 0; sent < (1 << 20) + 10_000 && !client.Session.IsCompleted; sent += line.Length)
        {
            await client.SendAsync(line);
        }

        Assert.StartsWith("552 5.3.4 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session);
        Assert.Equal([SmtpContentFailure.MessageTooLarge], backend.Aborts);
        Assert.True(backend.WrittenBytes <= 1_000);
    }

    [Fact]
    public async Task SinkThatRefusesHearsNoMoreAndItsReplyIsGivenAtTheEnd()
    {
        var backend = new ScriptedSmtpBackend { Write = _ => new(SmtpReply.SystemFull452) };
        var client = await new SmtpFixture().BeginDataAsync(backend);
        await client.SendAsync("a\r\n");
        await client.SendAsync("b\r\n");
        Assert.Equal(3, backend.WrittenBytes);
        Assert.StartsWith("452 4.3.1 ", await client.AskAsync("."), StringComparison.Ordinal);
        Assert.Equal([SmtpContentFailure.SinkRefused], backend.Aborts);
        Assert.Equal((0, 1), (backend.Completions, backend.Resets));
    }

    [Fact]
    public async Task SinkThatThrowsIsALocalErrorAndTheSessionGoesOn()
    {
        var backend = new ScriptedSmtpBackend { Write = _ => throw new IOException("disk") };
        var client = await new SmtpFixture().BeginDataAsync(backend);
        Assert.StartsWith("451 4.3.0 ", await client.AskAsync("a\r\n."), StringComparison.Ordinal);
        Assert.IsType<IOException>(Assert.Single(backend.Failures));
        Assert.Equal([SmtpContentFailure.SinkRefused], backend.Aborts);
        Assert.StartsWith("250 ", await client.AskAsync("NOOP"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CompletionThatThrowsIsALocalErrorAndNothingIsAborted()
    {
        var backend = new ScriptedSmtpBackend { Complete = () => throw new TimeoutException() };
        var client = await new SmtpFixture().BeginDataAsync(backend);
        Assert.StartsWith("451 4.3.0 ", await client.AskAsync("a\r\n."), StringComparison.Ordinal);
        Assert.Single(backend.Failures);
        Assert.Empty(backend.Aborts);
        Assert.StartsWith("250 ", await client.AskAsync("MAIL FROM:<>"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SessionReadsNoFurtherWhileTheSinkIsBusy()
    {
        var gate = new TaskCompletionSource<SmtpReply?>();
        var backend = new ScriptedSmtpBackend { Write = _ => new(gate.Task) };
        var client = await new SmtpFixture().BeginDataAsync(backend);
        var sending = client.SendAsync("\r\n" + string.Concat(Enumerable.Repeat("0123456789\r\n", 100_000)) + ".\r\n", 4_096);
        Assert.False(sending.IsCompleted);
        Assert.True(backend.WrittenBytes <= 4_096);
        gate.SetResult(null);
        await sending.WaitAsync(Wire.WireClient.Patience, TestContext.Current.CancellationToken);
        Assert.StartsWith("250 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(1_200_002, backend.WrittenBytes);
    }

    [Fact]
    public async Task ConnectionLostInContentAbortsTheSink()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture().BeginDataAsync(backend);
        await client.SendAsync("a\r\n.\r");
        await client.HangUpAsync();
        Assert.Equal(SessionEnd.ConnectionLost, await client.Session);
        Assert.Equal([SmtpContentFailure.ConnectionLost], backend.Aborts);
        Assert.Equal(0, backend.Completions);
    }
}
