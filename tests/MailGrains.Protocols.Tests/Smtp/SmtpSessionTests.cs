using System.Globalization;
using System.Text;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpSessionTests
{
    [Fact]
    public async Task PipelinedCommandsAreAnsweredInOneWrite()
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        await client.SendAsync("MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n");

        // Both ends run inline: what has been flushed is here, and one read brings all of it.
        Assert.True(client.Transport.Input.TryRead(out var result));
        var text = Encoding.Latin1.GetString(result.Buffer.FirstSpan);
        Assert.Equal(["250 2.1.0 Sender OK", "250 2.1.5 Recipient OK", "550 5.1.1 No such mailbox"], text.Split("\r\n")[..3]);
        Assert.StartsWith("354 ", text.Split("\r\n")[3], StringComparison.Ordinal);
        client.Transport.Input.AdvanceTo(result.Buffer.End);
    }

    [Fact]
    public async Task ManyPipelinedAnswersGoOutBeforeAllCommandsAreRun()
    {
        var client = await new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxJunkCommands = 100_000 } }.GreetAsync();
        var sending = client.SendAsync(string.Concat(Enumerable.Repeat("NOOP\r\n", 20_000)) + "QUIT\r\n");
        var replies = await client.ReadToEndAsync();
        await sending;
        Assert.Equal(20_001, replies.Count);
    }

    [Fact]
    public async Task BackendSeesHelloPathsAndParameters()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.AskAsync("mail from:<\"a b\"@[127.0.0.1]> size=1234 BODY=8bitmime smtputf8");
        await client.AskAsync("rcpt to:<@one.test,@two.test:c@d.test>");
        await client.AskAsync("RCPT TO:<postMASTER>");
        Assert.Equal([new SmtpHello("client.example", true)], backend.Hellos);
        Assert.Equal((new ReversePath(new Mailbox("a b", "[127.0.0.1]"), "\"a b\"@[127.0.0.1]"), new MailParameters(1234, BodyType.EightBitMime, true)), Assert.Single(backend.Mails));
        Assert.Equal([new ForwardPath(new Mailbox("c", "d.test"), "c@d.test"), new ForwardPath(null, "postMASTER")], backend.Recipients);
    }

    [Fact]
    public async Task RefusedRecipientsAreNotCountedAndDataNeedsAnAcceptedOne()
    {
        var backend = new ScriptedSmtpBackend { Rcpt = path => path.Text.StartsWith('x') ? SmtpReply.NoSuchMailbox550 : SmtpReply.RecipientOk250 };
        var client = await new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxRecipients = 2 } }.GreetAsync(backend);
        await client.AskAsync("MAIL FROM:<>");
        Assert.StartsWith("550 5.1.1 ", await client.AskAsync("RCPT TO:<x@example.test>"), StringComparison.Ordinal);
        Assert.StartsWith("554 5.5.1 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
        await client.AskAsync("RCPT TO:<a@example.test>");
        await client.AskAsync("RCPT TO:<b@example.test>");
        Assert.StartsWith("452 4.5.3 ", await client.AskAsync("RCPT TO:<c@example.test>"), StringComparison.Ordinal);
        Assert.Equal(3, backend.Recipients.Count);
        Assert.StartsWith("354 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HundredThousandRecipientsAreBoundedAndAnswered()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.AskAsync("MAIL FROM:<>");
        var commands = Enumerable.Range(0, 100_000).Select(n => string.Create(CultureInfo.InvariantCulture, $"RCPT TO:<u{n}@example.test>\r\n"));
        var sending = client.SendAsync(string.Concat(commands) + "QUIT\r\n", 4_096);
        var replies = await client.ReadToEndAsync();
        await sending;
        Assert.Equal(1_000, replies.Count(reply => reply.StartsWith("250 2.1.5 ", StringComparison.Ordinal)));
        Assert.Equal(99_000, replies.Count(reply => reply.StartsWith("452 4.5.3 ", StringComparison.Ordinal)));
        Assert.Equal(1_000, backend.Recipients.Count);
    }

    [Fact]
    public async Task ErrorsEndTheSessionAndAnAcceptedMessageForgivesThem()
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        for (var i = 0; i < 19; i++)
        {
            Assert.StartsWith("500 5.5.2 ", await client.AskAsync("WHAT"), StringComparison.Ordinal);
        }

        await client.AskAsync("MAIL FROM:<>");
        await client.AskAsync("RCPT TO:<alice@example.test>");
        await client.AskAsync("DATA");
        Assert.StartsWith("250 ", await client.AskAsync("\r\n."), StringComparison.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            Assert.StartsWith("500 5.5.2 ", await client.AskAsync("WHAT"), StringComparison.Ordinal);
        }

        Assert.StartsWith("421 4.7.0 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session);
    }

    [Fact]
    public async Task CommandsThatMoveNothingOnRunOut()
    {
        var client = await new SmtpFixture().GreetAsync();
        await client.SendAsync(string.Concat(Enumerable.Repeat("NOOP\r\n", 1_000)));
        var replies = await client.ReadToEndAsync();
        Assert.Equal(120, replies.Count);
        Assert.StartsWith("421 4.7.0 ", replies[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task BackendThatThrowsIsALocalErrorAndTheTransactionStaysWhereItWas()
    {
        var backend = new ScriptedSmtpBackend
        {
            Mail = (path, _) => path.IsNull ? SmtpReply.SenderOk250 : throw new InvalidOperationException("boom"),
            Rcpt = path => path.Text.StartsWith('x') ? throw new IOException("store") : SmtpReply.RecipientOk250,
            Begin = () => throw new TimeoutException(),
        };
        var client = await new SmtpFixture().GreetAsync(backend);
        Assert.Equal("451 4.3.0 Local error in processing, try again later", await client.AskAsync("MAIL FROM:<a@b.test>"));
        Assert.StartsWith("503 ", await client.AskAsync("RCPT TO:<a@example.test>"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync("MAIL FROM:<>"), StringComparison.Ordinal);
        Assert.StartsWith("451 ", await client.AskAsync("RCPT TO:<x@example.test>"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync("RCPT TO:<a@example.test>"), StringComparison.Ordinal);
        Assert.StartsWith("451 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync("RSET"), StringComparison.Ordinal);
        Assert.Equal(3, backend.Failures.Count);
    }

    [Fact]
    public async Task AbortedConnectionCancelsTheBackendAndIsNoFailureOfIts()
    {
        using var aborted = new CancellationTokenSource();
        var backend = new WaitingBackend();
        var session = new SmtpServerSession(new() { HostName = "mx.example.test" }, backend, TimeProvider.System);
        var client = new WireClient(transport => session.RunAsync(transport, CancellationToken.None, aborted.Token));
        await client.SendAsync("EHLO c.example\r\nMAIL FROM:<>\r\n");
        await aborted.CancelAsync();
        await client.HangUpAsync();
        Assert.Equal(SessionEnd.ConnectionLost, await client.Session);
        Assert.True(backend.WasCancelled);
    }

    [Fact]
    public async Task ReplyOf421FromTheBackendClosesTheSession()
    {
        var backend = new ScriptedSmtpBackend { Rcpt = _ => new SmtpReply(421, new EnhancedCode(7, 1), "go away") };
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.SendAsync("MAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nRCPT TO:<b@example.test>\r\n");
        Assert.Equal(["250 2.1.0 Sender OK", "421 4.7.1 go away"], await client.ReadToEndAsync());
        Assert.Equal(SessionEnd.ClosedByBackend, await client.Session);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1")]
    [InlineData("POST / HTTP/1.1")]
    [InlineData("connect mx:25 HTTP/1.1")]
    public async Task BrowserIsSentAwayBeforeItsBodyIsRead(string request)
    {
        var client = await new SmtpFixture().ConnectAsync();
        await client.SendAsync(request + "\r\nHost: mx\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\n");
        Assert.StartsWith("421 4.7.0 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NOOP\n")]
    [InlineData("NO\rOP\r\n")]
    [InlineData("NO\0OP\r\n")]
    [InlineData("NOOP\r\r\n")]
    [InlineData("\n")]
    public async Task CommandLineWithABadEndIsRefused(string line)
    {
        var client = await new SmtpFixture().GreetAsync();
        await client.SendAsync(line);
        Assert.StartsWith("500 5.5.2 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync("NOOP"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task LongLineIsRefusedWithoutBeingHeldAndTheNextOneIsRead(int pieceBytes)
    {
        var client = await new SmtpFixture().GreetAsync();
        await client.SendAsync("NOOP " + new string('a', 2_041) + "\r\n", pieceBytes);
        Assert.StartsWith("250 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        await client.SendAsync("NOOP " + new string('a', 2_042) + "\r\n", pieceBytes);
        Assert.StartsWith("500 5.5.2 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        await client.SendAsync(new string('a', 50_000) + "\r\n", pieceBytes);
        Assert.StartsWith("500 5.5.2 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync("NOOP"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LineWithoutEndClosesTheSession()
    {
        var client = await new SmtpFixture().GreetAsync();
        for (var i = 0; i < 300 && !client.Session.IsCompleted; i++)
        {
            await client.SendAsync(new string('a', 4_096));
        }

        Assert.Equal(SessionEnd.TooManyErrors, await client.Session);
        Assert.StartsWith("500 ", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdleSessionHoldsNoBuffer()
    {
        var pool = new CountingMemoryPool();
        var fixture = new SmtpFixture();
        var session = new SmtpServerSession(fixture.Options, new ScriptedSmtpBackend(), fixture.Time);
        var client = new WireClient(transport => session.RunAsync(transport, CancellationToken.None), pool);
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example");
        Assert.Equal(0, pool.Rented);
        await client.SendAsync("MAIL FR");
        Assert.Equal(1, pool.Rented);
        await client.AskAsync("OM:<>");
        Assert.Equal(0, pool.Rented);
    }

    private sealed class WaitingBackend : ISmtpBackend
    {
        public bool WasCancelled { get; private set; }

        public void Hello(SmtpHello hello)
        {
        }

        public void Secured(TlsFacts tls)
        {
        }

        public void Authenticated(SaslIdentity identity)
        {
        }

        public async ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                WasCancelled = true;
                throw;
            }

            return SmtpReply.SenderOk250;
        }

        public ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken) =>
            new(SmtpReply.RecipientOk250);

        public ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken) => new(SmtpContentStart.Refuse(SmtpReply.LocalError451));

        public void Reset()
        {
        }

        public void Failed(Exception failure) => Assert.Fail(failure.ToString());

        public ValueTask DisposeAsync() => default;
    }

    [Fact]
    public async Task EhloEndsTheOpenTransaction()
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture().GreetAsync(backend);
        await client.AskAsync("MAIL FROM:<>");
        await client.AskAsync("RCPT TO:<a@example.test>");
        await client.AskAsync("EHLO again.example");
        Assert.StartsWith("503 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
        Assert.Equal(1, backend.Resets);
    }
}
