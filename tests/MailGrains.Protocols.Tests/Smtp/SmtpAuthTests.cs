using System.Text;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>AUTH (RFC 4954) and what submission (RFC 6409) asks of a session.</summary>
public sealed class SmtpAuthTests
{
    private static readonly SmtpServerOptions Submission = new() { HostName = "mx.example.test", IsSubmission = true };

    [Fact]
    public async Task NothingIsSubmittedBeforeALogin()
    {
        var fixture = new SmtpFixture { Options = Submission, TakesLogins = true };
        var client = await fixture.GreetAsync();
        Assert.StartsWith("530 5.7.0 Authentication", await client.AskAsync("MAIL FROM:<alice@example.test>"), StringComparison.Ordinal);
        Assert.StartsWith("235 2.7.0 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.0 ", await client.AskAsync("MAIL FROM:<alice@example.test>"), StringComparison.Ordinal);
        Assert.Equal("alice@example.test", fixture.Backend!.Login!.Name);
    }

    [Fact]
    public async Task InClearThereIsNoLoginButAHintAtTls()
    {
        var fixture = new SmtpFixture { Options = Submission };
        var connection = new SmtpConnection { Certificates = _ => TestCertificate.Server, Accounts = new InMemory.InMemorySaslBackend(fixture.Store) };
        fixture = new SmtpFixture { Options = Submission, Connection = connection };
        var client = await fixture.ConnectAsync();
        var ehlo = await client.AskAsync("EHLO client.example");
        Assert.Contains("STARTTLS", ehlo, StringComparison.Ordinal);
        Assert.DoesNotContain("AUTH", ehlo, StringComparison.Ordinal);
        Assert.StartsWith("538 5.7.11 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        Assert.StartsWith("530 5.7.0 Send STARTTLS", await client.AskAsync("MAIL FROM:<alice@example.test>"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhereNobodyLogsInThereIsNoAuth()
    {
        var client = await new SmtpFixture().GreetAsync();
        Assert.StartsWith("502 5.5.1 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        Assert.StartsWith("555 5.5.4 ", await client.AskAsync("MAIL FROM:<a@b.test> AUTH=<>"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AUTH", "501 5.5.4 ")]
    [InlineData("AUTH CRAM-MD5", "504 5.5.4 ")]
    [InlineData("AUTH PLAIN !!!!", "501 5.5.2 ")]
    [InlineData("AUTH PLAIN AA", "501 5.5.2 ")]
    [InlineData("AUTH PLAIN =", "501 5.5.2 ")]
    [InlineData("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==", "535 5.7.8 ")]
    public async Task LoginThatIsNotOneIsRefusedByItsCode(string command, string reply)
    {
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync();
        Assert.StartsWith(reply, await client.AskAsync(command), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync("NOOP"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExchangeMayBeCancelledAndBegunAgain()
    {
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync();
        Assert.Equal("334 ", await client.AskAsync("AUTH PLAIN"));
        Assert.StartsWith("501 5.7.0 ", await client.AskAsync("*"), StringComparison.Ordinal);
        Assert.Equal("334 ", await client.AskAsync("AUTH plain"));
        Assert.StartsWith("235 2.7.0 ", await client.AskAsync(SmtpFixture.AlicesLogin[11..]), StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        Assert.DoesNotContain("AUTH", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TenthFailedLoginEndsTheSession()
    {
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync();
        var wrong = "AUTH PLAIN " + Convert.ToBase64String(Encoding.UTF8.GetBytes("\0alice@example.test\0wrong"));
        for (var i = 0; i < 10; i++)
        {
            Assert.StartsWith("535 5.7.8 ", await client.AskAsync(wrong), StringComparison.Ordinal);
        }

        Assert.StartsWith("421 4.7.0 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AuthBelongsBetweenTransactions()
    {
        var client = await new SmtpFixture { TakesLogins = true }.ConnectAsync();
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        await client.AskAsync("EHLO client.example");
        await client.AskAsync("MAIL FROM:<>");
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AUTH=<>", "")]
    [InlineData("AUTH=e+3Dmc2@example.com", "e=mc2@example.com")]
    public async Task SubmitterIsHandedOn(string parameter, string submitter)
    {
        var backend = new ScriptedSmtpBackend();
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync(backend);
        Assert.StartsWith("250 ", await client.AskAsync("MAIL FROM:<e=mc2@example.com> " + parameter), StringComparison.Ordinal);
        Assert.Equal(submitter, backend.Mails[0].Parameters.Auth);
    }

    [Theory]
    [InlineData("AUTH")]
    [InlineData("AUTH=+zz")]
    [InlineData("AUTH=a+0Db")]
    [InlineData("AUTH=a+3")]
    [InlineData("AUTH=<> AUTH=<>")]
    public async Task SubmitterThatIsNoXtextIsASyntaxError(string parameter)
    {
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync();
        Assert.StartsWith("501 5.5.4 ", await client.AskAsync("MAIL FROM:<a@b.test> " + parameter), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BareLineEndsAreMendedOnSubmission()
    {
        foreach (var pieceBytes in new[] { 0, 1, 3 })
        {
            var fixture = new SmtpFixture { Options = Submission, TakesLogins = true };
            var client = await fixture.GreetAsync();
            await client.AskAsync(SmtpFixture.AlicesLogin);
            await client.AskAsync("MAIL FROM:<alice@example.test>");
            await client.AskAsync("RCPT TO:<bob@example.test>");
            await client.AskAsync("DATA");
            await client.SendAsync("Subject: x\n\na\rb\r\nc\n\n.d\r\r\n.\r\nQUIT\r\n", pieceBytes);
            Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
            Assert.Equal(["Subject: x\r\n\r\na\r\nb\r\nc\r\n\r\n.d\r\n\r\n"], fixture.MessagesOf(SmtpFixture.Bob));
        }
    }

    [Fact]
    public async Task LongMessageOfBareLineEndsHasNoLongLine()
    {
        var fixture = new SmtpFixture { Options = Submission, TakesLogins = true };
        var client = await fixture.GreetAsync();
        await client.AskAsync(SmtpFixture.AlicesLogin);
        await client.AskAsync("MAIL FROM:<alice@example.test>");
        await client.AskAsync("RCPT TO:<bob@example.test>");
        await client.AskAsync("DATA");
        var sending = client.SendAsync("Subject: x\n\n" + string.Concat(Enumerable.Repeat("a line\n", 40_000)) + "\r\n.\r\nQUIT\r\n", 4_096);
        Assert.StartsWith("250 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        await sending;
    }

    [Fact]
    public async Task OnlyAuthMayHaveALongLine()
    {
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync();
        Assert.StartsWith("500 5.5.2 ", await client.AskAsync("NOOP " + new string('a', 3_000)), StringComparison.Ordinal);
        Assert.StartsWith("501 5.5.2 ", await client.AskAsync("AUTH PLAIN " + new string('a', 4_000)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoginInClearIsNotTakenIntoTls()
    {
        var fixture = new SmtpFixture { TakesLogins = true, Connection = new() { Certificates = _ => TestCertificate.Server } };
        var client = await fixture.GreetAsync();
        Assert.StartsWith("235 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MendedMessageIsHeldToTheSizeThatItHasThen()
    {
        var backend = new ScriptedSmtpBackend();
        var fixture = new SmtpFixture
        {
            Options = new() { HostName = "mx.example.test", IsSubmission = true, MaxMessageBytes = 1_000 },
            TakesLogins = true,
        };
        var client = await fixture.GreetAsync(backend);
        await client.AskAsync(SmtpFixture.AlicesLogin);
        await client.AskAsync("MAIL FROM:<alice@example.test>");
        await client.AskAsync("RCPT TO:<bob@example.test>");
        await client.AskAsync("DATA");
        Assert.StartsWith("552 5.3.4 ", await client.AskAsync(new string('\n', 900) + "\r\n."), StringComparison.Ordinal);
        Assert.Single(backend.Aborts);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SinkThatFailsAtTheLastMendedLineEndIsAborted(bool throws)
    {
        var writes = 0;
        var backend = new ScriptedSmtpBackend
        {
            Write = _ => ++writes < 2 ? default : throws ? throw new IOException("store") : new(SmtpReply.SystemFull452),
        };
        var client = await new SmtpFixture { Options = Submission, TakesLogins = true }.GreetAsync(backend);
        await client.AskAsync(SmtpFixture.AlicesLogin);
        await client.AskAsync("MAIL FROM:<alice@example.test>");
        await client.AskAsync("RCPT TO:<bob@example.test>");
        await client.SendAsync("BDAT 13 LAST\r\nSubject: x\r\n\r");
        Assert.StartsWith(throws ? "451 4.3.0 " : "452 4.3.1 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal([SmtpContentFailure.SinkRefused], backend.Aborts);
        Assert.Equal(0, backend.Completions);
    }

    [Fact]
    public async Task LineOfAnExchangeMayBeLongButNotEndless()
    {
        var client = await new SmtpFixture { TakesLogins = true }.GreetAsync();
        await client.AskAsync("AUTH PLAIN");
        Assert.StartsWith("501 5.5.2 ", await client.AskAsync(new string('A', 12_000)), StringComparison.Ordinal);
        await client.AskAsync("AUTH PLAIN");
        Assert.StartsWith("500 5.5.6 ", await client.AskAsync(new string('A', 13_000)), StringComparison.Ordinal);
    }
}
