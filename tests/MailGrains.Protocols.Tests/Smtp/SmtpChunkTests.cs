using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>BDAT and BINARYMIME (RFC 3030).</summary>
public sealed class SmtpChunkTests
{
    private const string Envelope = "MAIL FROM:<sender@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\n";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public async Task ChunksMakeOneMessageHoweverTheyArePipelined(int pieceBytes)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        await client.SendAsync(Envelope + "BDAT 12\r\nSubject: x\r\nBDAT 0\r\nBDAT 9 LAST\r\n\r\n.\r\n..\r\nQUIT\r\n", pieceBytes);
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(
            ["250 2.1.0 Sender OK", "250 2.1.5 Recipient OK", "250 2.0.0 12 octets received", "250 2.0.0 0 octets received", "250 2.0.0 OK", "221 2.0.0 Bye"],
            await client.ReadToEndAsync());
        Assert.Equal(["Subject: x\r\n\r\n.\r\n..\r\n"], fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task EmptyLastChunkEndsTheMessage()
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        await client.SendAsync(Envelope + "bdat 14\r\nSubject: x\r\n\r\nBDAT 0 last\r\nQUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(["Subject: x\r\n\r\n"], fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Theory]
    [InlineData("EHLO client.example\r\n", "503 5.5.1 ")]
    [InlineData("EHLO client.example\r\nMAIL FROM:<>\r\n", "554 5.5.1 ")]
    [InlineData("", "503 5.5.1 ")]
    public async Task OctetsOfARefusedChunkAreNeverTakenForCommands(string before, string reply)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.ConnectAsync();
        await client.SendAsync(before + "BDAT 20 LAST\r\nRCPT TO:<x@y.test>..QUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        var replies = await client.ReadToEndAsync();
        Assert.StartsWith(reply, replies[^2], StringComparison.Ordinal);
        Assert.Equal("221 2.0.0 Bye", replies[^1]);
    }

    [Theory]
    [InlineData("BDAT\r\n")]
    [InlineData("BDAT x\r\n")]
    [InlineData("BDAT -1\r\n")]
    [InlineData("BDAT 1 FIRST\r\n")]
    [InlineData("BDAT 1LAST\r\n")]
    public async Task ChunkOfUnknownSizeEndsTheSession(string command)
    {
        var client = await new SmtpFixture().GreetAsync();
        await client.SendAsync(Envelope + command);
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.StartsWith("501 5.5.4 ", (await client.ReadToEndAsync())[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task BetweenChunksOnlyTheMessageMayGoOn()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.SendAsync(Envelope);
        await client.ReadReplyAsync();
        await client.ReadReplyAsync();
        await client.AskAsync("BDAT 3\r\na");
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("RCPT TO:<bob@example.test>"), StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("MAIL FROM:<>"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.AskAsync("NOOP"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.AskAsync("RSET"), StringComparison.Ordinal);
        Assert.Equal([SmtpContentFailure.Abandoned], backend.Aborts);
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("BDAT 2 LAST\r\n"), StringComparison.Ordinal);
        Assert.Equal(0, backend.Completions);
    }

    [Fact]
    public async Task ClientThatGoesBetweenChunksLeavesNothingBehind()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.SendAsync(Envelope + "BDAT 3\r\nabc");
        await client.HangUpAsync();
        Assert.Equal(SessionEnd.ConnectionLost, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.Equal([SmtpContentFailure.ConnectionLost], backend.Aborts);
    }

    [Fact]
    public async Task ChunkThatMakesTheMessageTooLargeIsRefusedAndPassedOver()
    {
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxMessageBytes = 1_000 } };
        var client = await fixture.GreetAsync();
        await client.SendAsync(Envelope + $"BDAT 600\r\n{Text(600)}BDAT 600\r\n{Text(600)}BDAT 600 LAST\r\n{Text(600)}QUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        var replies = await client.ReadToEndAsync();
        Assert.StartsWith("552 5.3.4 ", replies[3], StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", replies[4], StringComparison.Ordinal);
        Assert.Empty(fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task ChunkFarBeyondTheLimitEndsTheSessionAtOnce()
    {
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxMessageBytes = 1_000 } };
        var client = await fixture.GreetAsync();
        await client.SendAsync(Envelope + "BDAT 9223372036854775807 LAST\r\nabc");
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.StartsWith("552 5.3.4 ", (await client.ReadToEndAsync())[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task BinaryContentIsKeptOctetForOctetBehindAHeaderOfText()
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        const string Content = "Subject: x\r\n\r\n\0\r\r\n\n.\r\n\xFF.\n";
        await client.SendAsync($"MAIL FROM:<a@elsewhere.test> BODY=BINARYMIME\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nBDAT {Content.Length} LAST\r\n{Content}QUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.StartsWith("503 5.5.1 ", (await client.ReadToEndAsync())[2], StringComparison.Ordinal);
        Assert.Equal([Content], fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task BinaryHeaderIsStillText()
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        await client.SendAsync("MAIL FROM:<a@elsewhere.test> BODY=BINARYMIME\r\nRCPT TO:<alice@example.test>\r\nBDAT 16 LAST\r\nSubject: x\nA: b\r\nQUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.StartsWith("550 5.6.11 ", (await client.ReadToEndAsync())[2], StringComparison.Ordinal);
        Assert.Empty(fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task LineRulesHoldOverAllChunks()
    {
        foreach (var (first, last, kept) in new[] { ("a\r", "\nb\r\n", true), ("a\r", "b\r\n", false), ("a", "\nb\r\n", false), ("a\r\n", "b\r", false), ("a\r\n", "b", true) })
        {
            var fixture = new SmtpFixture();
            var client = await fixture.GreetAsync();
            await client.SendAsync($"{Envelope}BDAT {first.Length}\r\n{first}BDAT {last.Length} LAST\r\n{last}QUIT\r\n");
            await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken);
            Assert.Equal(kept ? [first + last] : [], fixture.MessagesOf(SmtpFixture.Alice));
        }
    }

    [Fact]
    public async Task SinkThatRefusesAChunkEndsTheTransaction()
    {
        var backend = new ScriptedSmtpBackend { Begin = () => SmtpContentStart.Refuse(SmtpReply.SystemFull452) };
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.SendAsync(Envelope + "BDAT 3\r\nabcBDAT 3 LAST\r\nabcQUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        var replies = await client.ReadToEndAsync();
        Assert.StartsWith("452 4.3.1 ", replies[2], StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", replies[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TinyChunksRunOut()
    {
        var client = await new SmtpFixture().GreetAsync(new ScriptedSmtpBackend());
        await client.SendAsync(Envelope + string.Concat(Enumerable.Repeat("BDAT 1\r\na", 1_000)));
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ClientThatIsLateWithItsNextChunkIsCutOff()
    {
        var backend = new ScriptedSmtpBackend();
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync(backend);
        await client.SendAsync(Envelope + "BDAT 1\r\na");
        fixture.Time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(SessionEnd.TimedOut, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.Single(backend.Aborts);
    }

    [Fact]
    public async Task OtherCommandsBetweenChunksBuyNoTime()
    {
        var backend = new ScriptedSmtpBackend();
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync(backend);
        await client.SendAsync(Envelope + "BDAT 1\r\na");
        for (var minute = 0; minute < 10 && !client.Session.IsCompleted; minute++)
        {
            fixture.Time.Advance(TimeSpan.FromMinutes(1));
            await client.SendAsync("NOOP\r\n");
        }

        Assert.Equal(SessionEnd.TimedOut, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        Assert.Single(backend.Aborts);
    }

    private static string Text(int octets) => new('a', octets);
}
