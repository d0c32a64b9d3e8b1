using MailGrains.Protocols.Smtp;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>RET, ENVID, NOTIFY and ORCPT (RFC 3461): read in full, handed on, and refused where they are not offered or no good.</summary>
public sealed class SmtpDsnTests
{
    private const string Refused = "501 5.5.4 ";

    [Fact]
    public async Task DsnIsOfferedAndTakenOnlyWhereTheListenerSaysSo()
    {
        var with = new SmtpFixture { Options = Offering(SmtpExtensions.Dsn) };
        var client = await with.ConnectAsync();
        Assert.Contains("250 DSN", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);

        client = await new SmtpFixture().ConnectAsync();
        Assert.DoesNotContain("DSN", await client.AskAsync("EHLO client.example"), StringComparison.Ordinal);
        Assert.StartsWith("555 5.5.4 ", await client.AskAsync("MAIL FROM:<a@b.test> RET=FULL"), StringComparison.Ordinal);
        Assert.StartsWith("555 5.5.4 ", await client.AskAsync("MAIL FROM:<a@b.test> ENVID=x"), StringComparison.Ordinal);
        await client.AskAsync("MAIL FROM:<a@b.test>");
        Assert.StartsWith("555 5.5.4 ", await client.AskAsync("RCPT TO:<alice@example.test> NOTIFY=NEVER"), StringComparison.Ordinal);
        Assert.StartsWith("555 5.5.4 ", await client.AskAsync("RCPT TO:<alice@example.test> ORCPT=rfc822;a@b.test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ParametersOfATransactionReachTheBackendDecoded()
    {
        var fixture = new SmtpFixture { Options = Offering(SmtpExtensions.Dsn) };
        var client = await fixture.GreetAsync();
        await client.AskAsync("MAIL FROM:<a@b.test> ret=hdrs ENVID=QQ+20314159+2B SIZE=7");
        await client.AskAsync("RCPT TO:<alice@example.test> Notify=success,FAILURE,Delay ORCPT=rfc822;al+2Bice@elsewhere.test");
        await client.AskAsync("RCPT TO:<bob@example.test> NOTIFY=NEVER");
        await client.AskAsync("RCPT TO:<bob@example.test>");

        var mail = Assert.Single(fixture.Backend!.Mails);
        Assert.Equal((DsnReturn.Headers, "QQ 314159+", 7L), (mail.Return, mail.EnvelopeId, mail.Size));
        Assert.Equal(
            [
                new() { Notify = DsnNotify.Success | DsnNotify.Failure | DsnNotify.Delay, OriginalRecipient = new("rfc822", "al+ice@elsewhere.test") },
                new() { Notify = DsnNotify.Never },
                default,
            ],
            fixture.Backend.Rcpts);
    }

    [Theory]
    [InlineData("RET=SOME")]
    [InlineData("RET")]
    [InlineData("RET=")]
    [InlineData("RET=FULL RET=FULL")]
    [InlineData("ENVID")]
    [InlineData("ENVID=")]
    [InlineData("ENVID=a+2")]
    [InlineData("ENVID=a+2b")]
    [InlineData("ENVID=a+0D+0Ab")]
    [InlineData("ENVID=+C3+A4")]
    [InlineData("ENVID=\u00C3\u00A4")]
    [InlineData("ENVID=a ENVID=a")]
    [InlineData("RET=FULL ENVID=a=b")]
    public async Task BadParameterOfMailIsRefused(string parameters)
    {
        var fixture = new SmtpFixture { Options = Offering(SmtpExtensions.Dsn) };
        var client = await fixture.GreetAsync();
        Assert.StartsWith(Refused, await client.AskAsync($"MAIL FROM:<a@b.test> {parameters}"), StringComparison.Ordinal);
        Assert.Empty(fixture.Backend!.Mails);
    }

    [Theory]
    [InlineData("NOTIFY")]
    [InlineData("NOTIFY=")]
    [InlineData("NOTIFY=ALWAYS")]
    [InlineData("NOTIFY=NEVER,FAILURE")]
    [InlineData("NOTIFY=FAILURE,NEVER")]
    [InlineData("NOTIFY=FAILURE,")]
    [InlineData("NOTIFY=,FAILURE")]
    [InlineData("NOTIFY=FAILURE NOTIFY=FAILURE")]
    [InlineData("ORCPT")]
    [InlineData("ORCPT=a@b.test")]
    [InlineData("ORCPT=;a@b.test")]
    [InlineData("ORCPT=rfc822;")]
    [InlineData("ORCPT=rfc 822;a")]
    [InlineData("ORCPT=rfc@822;a")]
    [InlineData("ORCPT=rfc822;a+0Ab")]
    [InlineData("ORCPT=rfc822;+C3+A4@b.test")]
    [InlineData("ORCPT=rfc822;\u00C3\u00A4@b.test")]
    [InlineData("ORCPT=rfc822;a ORCPT=rfc822;a")]
    [InlineData("ORCPT=utf-8;")]
    [InlineData("ORCPT=utf-8;\u00C3\u00A4@b.test")]
    [InlineData("ORCPT=utf-8;a+2Bb@c.test")]
    [InlineData("ORCPT=utf-8;a\\b")]
    [InlineData("ORCPT=utf-8;\\x{}")]
    [InlineData("ORCPT=utf-8;\\x{20AC")]
    [InlineData("ORCPT=utf-8;\\x{D800}")]
    [InlineData("ORCPT=utf-8;\\x{110000}")]
    [InlineData("ORCPT=utf-8;\\x{0A}")]
    [InlineData("ORCPT=utf-8;\\x{85}")]
    [InlineData("ORCPT=utf-8;\\x{ 0}")]
    public async Task BadParameterOfRcptIsRefused(string parameters)
    {
        var fixture = new SmtpFixture { Options = Offering(SmtpExtensions.Dsn) };
        var client = await fixture.GreetAsync();
        await client.AskAsync("MAIL FROM:<a@b.test>");
        Assert.StartsWith(Refused, await client.AskAsync($"RCPT TO:<alice@example.test> {parameters}"), StringComparison.Ordinal);
        Assert.Empty(fixture.Backend!.Rcpts);
    }

    [Theory]
    [InlineData("utf-8;\\x{FC}\\x{1F600}\\x{2B}@b\\x{E4}r.test", "ü😀+@bär.test", "")]
    [InlineData("UTF-8;\u00C3\u00BC@b.test", "ü@b.test", " SMTPUTF8")]
    [InlineData("x400;+2FS+3Dsmith", "/S=smith", "")]
    public async Task OriginalRecipientIsDecodedByItsType(string value, string address, string parameter)
    {
        var fixture = new SmtpFixture { Options = Offering(SmtpExtensions.Dsn) };
        var client = await fixture.GreetAsync();
        await client.AskAsync($"MAIL FROM:<a@b.test>{parameter}");
        Assert.StartsWith("250 ", await client.AskAsync($"RCPT TO:<alice@example.test> ORCPT={value}"), StringComparison.Ordinal);
        Assert.Equal(new OriginalRecipient(value.Split(';')[0], address), Assert.Single(fixture.Backend!.Rcpts).OriginalRecipient);
    }

    [Fact]
    public async Task LengthsEndWhereTheRfcSays()
    {
        var client = await new SmtpFixture { Options = Offering(SmtpExtensions.Dsn) }.GreetAsync();
        Assert.StartsWith(Refused, await client.AskAsync($"MAIL FROM:<a@b.test> ENVID={new string('e', 101)}"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync($"MAIL FROM:<a@b.test> ENVID={new string('e', 100)}"), StringComparison.Ordinal);
        Assert.StartsWith(Refused, await client.AskAsync($"RCPT TO:<alice@example.test> ORCPT=rfc822;{new string('o', 494)}"), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await client.AskAsync($"RCPT TO:<alice@example.test> ORCPT=rfc822;{new string('o', 493)}"), StringComparison.Ordinal);
    }

    private static SmtpServerOptions Offering(SmtpExtensions extensions) => new() { HostName = "mx.example.test", Extensions = extensions, MaxErrors = 100 };
}
