using System.Text;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpTlsTests
{
    private static readonly SmtpConnection OffersTls = new() { Certificates = _ => TestCertificate.Server };

    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public async Task StartTlsIsOfferedOnceAndMailComesThroughIt()
    {
        var fixture = new SmtpFixture { Connection = OffersTls };
        var client = await fixture.ConnectAsync();
        Assert.Contains("250 STARTTLS", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.StartsWith("220 2.0.0 ", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", _cancellation);
        var inside = new TlsLines(tls);

        // RFC 3207 §4.2: what was said before counts no more.
        Assert.StartsWith("503 5.5.1 ", await inside.AskAsync("MAIL FROM:<a@elsewhere.test>"), StringComparison.Ordinal);
        Assert.DoesNotContain("STARTTLS", await inside.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", await inside.AskAsync("STARTTLS"), StringComparison.Ordinal);
        await inside.AskAsync("MAIL FROM:<a@elsewhere.test>");
        await inside.AskAsync($"RCPT TO:<{SmtpFixture.Alice}>");
        await inside.AskAsync("DATA");
        var body = string.Concat(Enumerable.Repeat("a line of the message\r\n", 5_000));
        Assert.StartsWith("250 ", await inside.AskAsync($"Subject: x\r\n\r\n{body}."), StringComparison.Ordinal);
        Assert.StartsWith("221 ", await inside.AskAsync("QUIT"), StringComparison.Ordinal);
        Assert.Equal(0, await tls.ReadAsync(new byte[1], _cancellation));
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
        Assert.Equal(body.Length, fixture.Store.MessagesOf(SmtpFixture.Alice).Single().Content.Length - "Subject: x\r\n\r\n".Length);
        Assert.Equal("mx.example.test", fixture.Backend!.Tls!.ServerName);
    }

    /// <summary>CVE-2011-0411, CVE-2021-38542: commands in clear behind STARTTLS, in the same packet.</summary>
    [Theory]
    [InlineData("NOOP\r\n")]
    [InlineData("MAIL FROM:<evil@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: injected\r\n\r\nx\r\n.\r\n")]
    [InlineData("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n")]
    [InlineData("NOO")]
    public async Task WhatCameInClearBehindStartTlsIsNeverAnswered(string injected)
    {
        var fixture = new SmtpFixture { Connection = OffersTls };
        var client = await fixture.GreetAsync();
        await client.SendAsync("STARTTLS\r\n" + injected);
        Assert.StartsWith("220 2.0.0 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", _cancellation);
        var inside = new TlsLines(tls);
        Assert.StartsWith("221 ", await inside.AskAsync("QUIT"), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
        Assert.Empty(fixture.MessagesOf(SmtpFixture.Alice));
    }

    [Fact]
    public async Task WhatComesInClearInALaterPacketEndsTheSession()
    {
        var fixture = new SmtpFixture { Connection = OffersTls };
        var client = await fixture.GreetAsync();
        await client.AskAsync("STARTTLS");
        await client.SendAsync("NOOP\r\nMAIL FROM:<evil@elsewhere.test>\r\n");
        Assert.Equal(SessionEnd.TlsFailed, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
    }

    [Theory]
    [InlineData("STARTTLS now", "501 5.5.4 ")]
    [InlineData("STARTTLS", "220 2.0.0 ")]
    public async Task StartTlsTakesNoArgument(string command, string reply)
    {
        var client = await new SmtpFixture { Connection = OffersTls }.GreetAsync();
        Assert.StartsWith(reply, await client.AskAsync(command), StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartTlsBelongsBetweenTransactions()
    {
        var client = await new SmtpFixture { Connection = OffersTls }.ConnectAsync();
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
        await client.AskAsync("EHLO client.example");
        await client.AskAsync("MAIL FROM:<a@elsewhere.test>");
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutACertificateThereIsNoStartTls()
    {
        var client = await new SmtpFixture().ConnectAsync();
        Assert.DoesNotContain("STARTTLS", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.StartsWith("502 5.5.1 ", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HandshakeThatTakesTooLongEndsTheSession()
    {
        var fixture = new SmtpFixture { Connection = OffersTls };
        var client = await fixture.GreetAsync();
        await client.AskAsync("STARTTLS");
        fixture.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(SessionEnd.TlsFailed, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
    }

    [Fact]
    public async Task ImplicitTlsGreetsInsideAndChoosesByName()
    {
        var asked = new List<string?>();
        var fixture = new SmtpFixture();
        var connection = new SmtpConnection
        {
            Certificates = name =>
            {
                asked.Add(name);
                return TestCertificate.Server;
            },
        };
        var session = new SmtpServerSession(
            new() { HostName = "mx.example.test", ImplicitTls = true }, new InMemory.InMemorySmtpBackend(fixture.Store), fixture.Time, connection);
        var client = new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mail.example.test", _cancellation);
        var inside = new TlsLines(tls);
        Assert.StartsWith("220 ", await inside.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("221 ", await inside.AskAsync("QUIT"), StringComparison.Ordinal);
        Assert.Equal(["mail.example.test"], asked);
    }

    [Fact]
    public async Task ClientThatStopsReadingUnderTlsIsCutOff()
    {
        var fixture = new SmtpFixture { Connection = OffersTls, Options = new() { HostName = "mx.example.test", MaxJunkCommands = int.MaxValue } };
        var client = await fixture.GreetAsync();
        await client.AskAsync("STARTTLS");
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", _cancellation);
        var flood = Task.Run(
            async () =>
            {
                var lines = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("NOOP\r\n", 100_000)));
                await tls.WriteAsync(lines, _cancellation);
            },
            _cancellation);
        while (!client.Session.IsCompleted)
        {
            fixture.Time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        Assert.Equal(SessionEnd.TimedOut, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
        await client.HangUpAsync();
        await Record.ExceptionAsync(() => flood);
    }

    [Fact]
    public async Task ClientThatIsGoneWhileRepliesWaitEndsTheSessionQuietly()
    {
        var fixture = new SmtpFixture { Connection = OffersTls, Options = new() { HostName = "mx.example.test", MaxJunkCommands = int.MaxValue } };
        var client = await fixture.GreetAsync();
        await client.AskAsync("STARTTLS");
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", _cancellation);
        var flood = Task.Run(
            async () => await tls.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("NOOP\r\n", 100_000))), _cancellation), _cancellation);

        // It has sent more than it reads the answers of: the server waits for it to read.
        await client.Transport.Input.CompleteAsync(new IOException("reset"));
        await client.Transport.Output.CompleteAsync(new IOException("reset"));
        await Record.ExceptionAsync(() => flood);
        Assert.Equal(SessionEnd.ConnectionLost, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
    }

    [Fact]
    public async Task LateClientIsToldUnderTls()
    {
        var fixture = new SmtpFixture { Connection = OffersTls };
        var client = await fixture.GreetAsync();
        await client.AskAsync("STARTTLS");
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", _cancellation);
        var inside = new TlsLines(tls);
        await inside.AskAsync("EHLO client.example");
        fixture.Time.Advance(TimeSpan.FromMinutes(6));
        Assert.StartsWith("421 4.4.2 ", await inside.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.TimedOut, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
    }

    [Fact]
    public async Task ShutdownIsSaidUnderTls()
    {
        var fixture = new SmtpFixture { Connection = OffersTls };
        var client = await fixture.GreetAsync();
        await client.AskAsync("STARTTLS");
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", _cancellation);
        var inside = new TlsLines(tls);
        await inside.AskAsync("EHLO client.example");
        await fixture.Shutdown.CancelAsync();
        Assert.StartsWith("421 4.3.2 ", await inside.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.Shutdown, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
    }
}
