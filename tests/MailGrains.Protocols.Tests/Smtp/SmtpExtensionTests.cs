using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>FUTURERELEASE, DELIVERBY, MT-PRIORITY, REQUIRETLS and ETRN. The clock stands at the start of the year 2000.</summary>
public sealed class SmtpExtensionTests
{
    private const string Everything = "MAIL FROM:<a@b.test> RET=FULL ENVID=x HOLDFOR=60 BY=60;R MT-PRIORITY=1 REQUIRETLS";
    private const SmtpExtensions All = (SmtpExtensions)(-1);

    private static readonly SmtpConnection OffersTls = new() { Certificates = _ => TestCertificate.Server };

    [Fact]
    public async Task NothingIsOfferedByDefaultAndWhatIsNotOfferedIsNotKnown()
    {
        var client = await new SmtpFixture().ConnectAsync();
        var ehlo = await client.AskAsync("EHLO client.example");
        foreach (var parameter in Everything.Split(' ')[2..])
        {
            Assert.StartsWith("555 5.5.4 ", await client.AskAsync($"MAIL FROM:<a@b.test> {parameter}"), StringComparison.Ordinal);
        }

        Assert.StartsWith("502 5.5.1 ", await client.AskAsync("ETRN example.test"), StringComparison.Ordinal);
        Assert.EndsWith("250 LIMITS RCPTMAX=1000", ehlo, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeywordsCarryTheirLimits()
    {
        var fixture = new SmtpFixture
        {
            Options = new() { HostName = "mx.example.test", IsSubmission = true, Extensions = All, MinDeliverBy = TimeSpan.FromMinutes(2), PriorityPolicy = "MIXER" },
            TakesLogins = true,
        };
        fixture.Time.Advance(TimeSpan.FromHours(30));
        var client = await fixture.ConnectAsync();
        var lines = (await client.AskAsync("EHLO client.example")).Split('\n').Select(line => line[4..]);
        Assert.Equal(["DSN", "FUTURERELEASE 2592000 2000-02-01T00:00:00Z", "DELIVERBY 120", "MT-PRIORITY MIXER", "ETRN"], lines.SkipWhile(line => line != "DSN").SkipLast(1));

        // In mail exchange there is no FUTURERELEASE, and without limits there are none in the reply.
        client = await Exchange(All).ConnectAsync();
        lines = (await client.AskAsync("EHLO client.example")).Split('\n').Select(line => line[4..]);
        Assert.Equal(["DSN", "DELIVERBY", "MT-PRIORITY", "ETRN"], lines.SkipWhile(line => line != "DSN"));
        Assert.StartsWith("555 5.5.4 ", await client.AskAsync("MAIL FROM:<a@b.test> HOLDFOR=60"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HOLDFOR=3600", "2000-01-01T01:00:00Z", "for;3600")]
    [InlineData("HOLDFOR=2592000", "2000-01-31T00:00:00Z", "for;2592000")]
    [InlineData("HOLDUNTIL=2000-01-31T00:00:00Z", "2000-01-31T00:00:00Z", "until;2000-01-31T00:00:00Z")]
    [InlineData("holduntil=2000-01-02t03:04:05.678z", "2000-01-02T03:04:05.678Z", "until;2000-01-02T03:04:05Z")]
    [InlineData("HOLDUNTIL=2000-01-02T03:04:05+02:00", "2000-01-02T01:04:05Z", "until;2000-01-02T01:04:05Z")]
    [InlineData("HOLDUNTIL=2000-01-02T03:04:05.5-02:00", "2000-01-02T05:04:05.5Z", "until;2000-01-02T05:04:05Z")]
    public async Task MessageIsHeldForATimeOrUntilOne(string parameter, string releaseAt, string request)
    {
        var (fixture, client) = await SubmitAsync();
        Assert.StartsWith("250 ", await client.AskAsync($"MAIL FROM:<alice@example.test> {parameter}"), StringComparison.Ordinal);
        var at = DateTimeOffset.Parse(releaseAt, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(new FutureRelease(at, request), Assert.Single(fixture.Backend!.Mails).FutureRelease);
    }

    [Theory]
    [InlineData("HOLDFOR")]
    [InlineData("HOLDFOR=")]
    [InlineData("HOLDFOR=0")]
    [InlineData("HOLDFOR=-1")]
    [InlineData("HOLDFOR=1.5")]
    [InlineData("HOLDFOR=2592001")]
    [InlineData("HOLDFOR=9999999999")]
    [InlineData("HOLDFOR=60 HOLDFOR=60")]
    [InlineData("HOLDFOR=60 HOLDUNTIL=2000-01-02T00:00:00Z")]
    [InlineData("HOLDUNTIL=2000-01-02T00:00:00Z HOLDFOR=60")]
    [InlineData("HOLDUNTIL=2000-01-01T00:00:00Z")]
    [InlineData("HOLDUNTIL=1999-12-31T00:00:00Z")]
    [InlineData("HOLDUNTIL=2000-01-31T00:00:01Z")]
    [InlineData("HOLDUNTIL=2000-01-02T00:00:00")]
    [InlineData("HOLDUNTIL=2000-01-02")]
    [InlineData("HOLDUNTIL=2000-02-30T00:00:00Z")]
    [InlineData("HOLDUNTIL=9999-12-31T23:59:59-23:59")]
    [InlineData("HOLDUNTIL=2000-01-02T00:00:00.00000000000000000001Z")]
    public async Task TimeThatCantBeHeldIsRefused(string parameters)
    {
        var (fixture, client) = await SubmitAsync();
        Assert.StartsWith("501 5.5.4 ", await client.AskAsync($"MAIL FROM:<alice@example.test> {parameters}"), StringComparison.Ordinal);
        Assert.Empty(fixture.Backend!.Mails);
    }

    [Theory]
    [InlineData("BY=120;R", 120, true, false)]
    [InlineData("by=+120;rt", 120, true, true)]
    [InlineData("BY=0;N", 0, false, false)]
    [InlineData("BY=-999999999;NT", -999_999_999, false, true)]
    public async Task DeadlineCountsFromMail(string parameter, int seconds, bool returns, bool trace)
    {
        var fixture = Exchange(SmtpExtensions.DeliverBy);
        var client = await fixture.GreetAsync();
        Assert.StartsWith("250 ", await client.AskAsync($"MAIL FROM:<a@b.test> {parameter}"), StringComparison.Ordinal);
        var expected = new DeliverByTime(fixture.Time.GetUtcNow().AddSeconds(seconds), returns, trace);
        Assert.Equal(expected, Assert.Single(fixture.Backend!.Mails).DeliverBy);
    }

    [Theory]
    [InlineData("BY")]
    [InlineData("BY=")]
    [InlineData("BY=120")]
    [InlineData("BY=120;")]
    [InlineData("BY=120;X")]
    [InlineData("BY=120;T")]
    [InlineData("BY=120;RTT")]
    [InlineData("BY=;R")]
    [InlineData("BY=0;R")]
    [InlineData("BY=-1;R")]
    [InlineData("BY=+-1;N")]
    [InlineData("BY=1000000000;R")]
    [InlineData("BY=120;R BY=120;R")]
    public async Task BadDeadlineIsRefused(string parameters)
    {
        var fixture = Exchange(SmtpExtensions.DeliverBy);
        var client = await fixture.GreetAsync();
        Assert.StartsWith("501 5.5.4 ", await client.AskAsync($"MAIL FROM:<a@b.test> {parameters}"), StringComparison.Ordinal);
        Assert.Empty(fixture.Backend!.Mails);
    }

    [Theory]
    [InlineData("HOLDFOR=3600 BY=3599;R")]
    [InlineData("BY=3599;R HOLDFOR=3600")]
    [InlineData("BY=3599;N HOLDFOR=3600")]
    [InlineData("HOLDFOR=1 BY=-1;NT")]
    [InlineData("HOLDUNTIL=2000-01-01T01:00:00.5Z BY=3600;R")]
    public async Task HoldBeyondTheDeadlineIsRefused(string parameters)
    {
        var (fixture, client) = await SubmitAsync();
        Assert.StartsWith("501 5.5.4 ", await client.AskAsync($"MAIL FROM:<alice@example.test> {parameters}"), StringComparison.Ordinal);
        Assert.Empty(fixture.Backend!.Mails);
    }

    [Theory]
    [InlineData("HOLDFOR=3600 BY=3600;R")]
    [InlineData("BY=7200;N HOLDUNTIL=2000-01-01T01:00:00Z")]
    public async Task HoldWithinTheDeadlineIsTaken(string parameters)
    {
        var (fixture, client) = await SubmitAsync();
        Assert.StartsWith("250 ", await client.AskAsync($"MAIL FROM:<alice@example.test> {parameters}"), StringComparison.Ordinal);
        var mail = Assert.Single(fixture.Backend!.Mails);
        Assert.NotNull(mail.FutureRelease);
        Assert.NotNull(mail.DeliverBy);
    }

    [Fact]
    public async Task DeadlineBelowTheLeastOneIsRefusedWhereTheMessageWouldBeReturned()
    {
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", Extensions = SmtpExtensions.DeliverBy, MinDeliverBy = TimeSpan.FromMinutes(1) } };
        var client = await fixture.GreetAsync();
        Assert.StartsWith("550 5.4.7 ", await client.AskAsync("MAIL FROM:<a@b.test> BY=59;R"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.0 ", await client.AskAsync("MAIL FROM:<a@b.test> BY=59;N"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9, false, 0, "250 2.3.6 0 ")]
    [InlineData(1, false, 0, "250 2.3.6 0 ")]
    [InlineData(0, false, 0, "250 2.1.0 ")]
    [InlineData(-9, false, -9, "250 2.1.0 ")]
    [InlineData(9, true, 9, "250 2.1.0 ")]
    [InlineData(-9, true, -9, "250 2.1.0 ")]
    public async Task PriorityAboveTheUsualIsForTrustedClients(int asked, bool isTrusted, int given, string reply)
    {
        var fixture = new SmtpFixture
        {
            Options = new() { HostName = "mx.example.test", Extensions = SmtpExtensions.MtPriority },
            Connection = new() { IsTrusted = isTrusted },
        };
        var client = await fixture.GreetAsync();
        Assert.StartsWith(reply, await client.AskAsync($"MAIL FROM:<a@b.test> MT-PRIORITY={asked}"), StringComparison.Ordinal);
        Assert.Equal(given, Assert.Single(fixture.Backend!.Mails).Priority);
        Assert.StartsWith("250 ", await client.AskAsync("RCPT TO:<alice@example.test>"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PriorityOfAClientThatHasLoggedInIsItsOwn()
    {
        var (fixture, client) = await SubmitAsync();
        Assert.StartsWith("250 2.1.0 ", await client.AskAsync("MAIL FROM:<alice@example.test> MT-PRIORITY=4"), StringComparison.Ordinal);
        Assert.Equal(4, Assert.Single(fixture.Backend!.Mails).Priority);
    }

    [Theory]
    [InlineData("MT-PRIORITY")]
    [InlineData("MT-PRIORITY=")]
    [InlineData("MT-PRIORITY=10")]
    [InlineData("MT-PRIORITY=-10")]
    [InlineData("MT-PRIORITY=-0")]
    [InlineData("MT-PRIORITY=+1")]
    [InlineData("MT-PRIORITY=1 MT-PRIORITY=1")]
    public async Task BadPriorityIsRefused(string parameters)
    {
        var client = await Exchange(SmtpExtensions.MtPriority).GreetAsync();
        Assert.StartsWith("501 5.5.4 ", await client.AskAsync($"MAIL FROM:<a@b.test> {parameters}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequireTlsIsOfferedAndTakenUnderTlsOnly()
    {
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", Extensions = SmtpExtensions.RequireTls }, Connection = OffersTls };
        var client = await fixture.ConnectAsync();
        Assert.DoesNotContain("REQUIRETLS", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.StartsWith("530 5.7.10 ", await client.AskAsync("MAIL FROM:<a@b.test> REQUIRETLS"), StringComparison.Ordinal);
        await client.AskAsync("STARTTLS");
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "mx.example.test", TestContext.Current.CancellationToken);
        var inside = new TlsLines(tls);
        Assert.Contains("250 REQUIRETLS", await inside.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.StartsWith("501 5.5.4 ", await inside.AskAsync("MAIL FROM:<a@b.test> REQUIRETLS=yes"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.0 ", await inside.AskAsync("MAIL FROM:<a@b.test> REQUIRETLS"), StringComparison.Ordinal);
        Assert.True(Assert.Single(fixture.Backend!.Mails).RequireTls);
    }

    [Fact]
    public async Task EtrnIsAskedOfTheBackendBetweenTransactionsOnly()
    {
        var fixture = Exchange(SmtpExtensions.Etrn);
        var client = await fixture.ConnectAsync();
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("ETRN example.test"), StringComparison.Ordinal);
        Assert.Contains("250 ETRN", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.Equal("251 2.0.0 OK, no messages waiting for node example.test", await client.AskAsync("etrn example.test "));
        Assert.Equal("251 2.0.0 OK, no messages waiting for node @example.test", await client.AskAsync("ETRN @example.test"));
        Assert.Equal("459 4.7.1 Node #nightly not allowed: not a domain of ours", await client.AskAsync("ETRN #nightly"));
        await client.AskAsync("MAIL FROM:<a@b.test>");
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("ETRN example.test"), StringComparison.Ordinal);
        await client.AskAsync("RCPT TO:<alice@example.test>");
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("ETRN example.test"), StringComparison.Ordinal);
        await client.AskAsync("BDAT 3\r\nx");
        Assert.StartsWith("503 5.5.1 ", await client.AskAsync("ETRN example.test"), StringComparison.Ordinal);
        Assert.Equal(
            [new("example.test", EtrnScope.Domain), new("example.test", EtrnScope.Subdomains), new("nightly", EtrnScope.Queue)], fixture.Backend!.Etrns);
    }

    [Theory]
    [InlineData("ETRN")]
    [InlineData("ETRN @")]
    [InlineData("ETRN #")]
    [InlineData("ETRN a b")]
    [InlineData("ETRN @@a.test")]
    [InlineData("ETRN a..b")]
    [InlineData("ETRN <a.test>")]
    [InlineData("ETRN \u00C3\u00A4.test")]
    public async Task EtrnOfNoNodeIsASyntaxError(string command)
    {
        var client = await Exchange(SmtpExtensions.Etrn).GreetAsync();
        Assert.StartsWith("501 5.5.4 ", await client.AskAsync(command), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EtrnMovesNothingOnAndRunsOut()
    {
        var client = await Exchange(SmtpExtensions.Etrn).GreetAsync();
        await client.SendAsync(string.Concat(Enumerable.Repeat("ETRN example.test\r\n", 1_000)));
        Assert.StartsWith("421 4.7.0 ", (await client.ReadToEndAsync())[^1], StringComparison.Ordinal);
    }

    private static SmtpFixture Exchange(SmtpExtensions extensions) => new() { Options = new() { HostName = "mx.example.test", Extensions = extensions } };

    /// <summary>Alice has logged in, and everything is offered that is without TLS.</summary>
    private static async Task<(SmtpFixture Fixture, WireClient Client)> SubmitAsync()
    {
        var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", IsSubmission = true, Extensions = All }, TakesLogins = true };
        var client = await fixture.GreetAsync();
        Assert.StartsWith("235 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
        return (fixture, client);
    }
}
