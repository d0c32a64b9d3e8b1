using System.Text;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Misbehaviour;

/// <summary>
/// Whatever an SMTP client does wrong, it hears a reply with an enhanced code, the log says so in one line of its session, with that reply, and nothing that
/// it sent gets into the log as it is.
/// </summary>
[Collection(SharedGateways.Name)]
public sealed class SmtpMisbehaviourTests(GatewayCluster cluster)
{
    private const string Hello = "EHLO c.test\r\n";
    private const string Mail = Hello + "MAIL FROM:<a@b.test>\r\n";
    private const string Rcpt = Mail + "RCPT TO:<bob@{domain}>\r\n";
    private const string Data = Rcpt + "DATA\r\n";

    private static readonly string[] States = ["", Hello, Mail, Rcpt];

    private static readonly string[] BadArguments =
    [
        "", " ", " x y", " =", " <", " \u001b[2J\u0007", " \0", " \u00ff\u00fe", " FROM:<a@b", " FROM:<\u001b[31m@b.test>", " FROM:<a@b.test> X=\u0008", " FROM:<a@b.test> NOWHERE=1",
        " TO:<a@b> \u00e2\u0080\u00ae", " TO:<\"\u009b31m\"@b.test>", " TO:<nobody@elsewhere.test>", " TO:<a\n@b.test>", " 99999999999999999999 LAST", " -1",
    ];

    /// <summary>What a client does, by name; where, and the last refusal that it must hear.</summary>
    private static readonly Dictionary<string, (SmtpListener Listener, string Script, string LastRefusal)> Rows = new()
    {
        ["a command line that is too long"] = (SmtpListener.Exchange, $"{Hello}NOOP {Many('x', 3_000)}\r\n", "500 5.5.2"),
        ["a command line without an end"] = (SmtpListener.Exchange, Hello + Many('x', 1_200_000), "500 5.5.2"),
        ["a command that ends in LF"] = (SmtpListener.Exchange, "EHLO c.test\n", "500 5.5.2"),
        ["a command with a CR in it"] = (SmtpListener.Exchange, "EHLO c.test\rMAIL FROM:<>\r\n", "500 5.5.2"),
        ["a command with a NUL in it"] = (SmtpListener.Exchange, "EHLO c.\0test\r\n", "500 5.5.2"),
        ["an unknown command"] = (SmtpListener.Exchange, Hello + "\u001b]0;owned\u0007\r\n", "500 5.5.2"),
        ["too many unknown commands"] = (SmtpListener.Exchange, Hello + Repeat("XYZZY\r\n", 30), "421 4.7.0"),
        ["too many commands that move nothing on"] = (SmtpListener.Exchange, Hello + Repeat("NOOP\r\n", 200), "421 4.7.0"),
        ["a web request"] = (SmtpListener.Exchange, "POST / HTTP/1.1\r\nHost: a\r\n\r\nEHLO b\r\n", "421 4.7.0"),
        ["too many recipients"] = (SmtpListener.Exchange, Mail + Repeat("RCPT TO:<bob@{domain}>\r\n", 1_001), "452 4.5.3"),
        ["too many recipients that nobody knows"] = (SmtpListener.Exchange, Mail + Repeat("RCPT TO:<nobody@{domain}>\r\n", 30), "421 4.7.0"),
        ["recipients elsewhere"] = (SmtpListener.Exchange, Mail + "RCPT TO:<a@elsewhere.test>\r\n", "550 5.7.1"),
        ["a message that is said to be too large"] = (SmtpListener.Exchange, Hello + "MAIL FROM:<a@b.test> SIZE=99999999\r\n", "552 5.3.4"),
        ["a message that is too large"] = (SmtpListener.Exchange, $"{Data}A: b\r\n\r\n{Repeat(Many('x', 1_000) + "\r\n", 600)}.\r\n", "552 5.3.4"),
        ["a header that is too large"] = (SmtpListener.Exchange, Data + Repeat($"A: {Many('x', 900)}\r\n", 300) + "\r\n.\r\n", "552 5.3.4"),
        ["a line of content that is too long"] = (SmtpListener.Exchange, $"{Data}\r\n{Many('x', 70_000)}\r\n.\r\n", "550 5.6.0"),
        ["content with a bare LF"] = (SmtpListener.Exchange, Data + "A: b\r\n\r\nx\n.\nMAIL FROM:<evil@b.test>\r\n.\r\n", "550 5.6.11"),
        ["content with a bare CR"] = (SmtpListener.Exchange, Data + "A: b\r\n\r\nx\ry\r\n.\r\n", "550 5.6.11"),
        ["content with a NUL"] = (SmtpListener.Exchange, Data + "A: b\r\n\r\nx\0\r\n.\r\n", "550 5.6.0"),
        ["content from a sender with a bidi mark and an escape"] =
            (SmtpListener.Exchange, Hello + "MAIL FROM:<\"\u00e2\u0080\u00aex\"@b.test> SMTPUTF8\r\nRCPT TO:<bob@{domain}>\r\nDATA\r\nx\n\r\n.\r\n", "550 5.6.11"),
        ["a chunk of unknown size"] = (SmtpListener.Exchange, Rcpt + "BDAT all\r\nMAIL FROM:<>\r\n", "501 5.5.4"),
        ["a chunk without a transaction"] = (SmtpListener.Exchange, Hello + "BDAT 6 LAST\r\nNOOP\r\n", "503 5.5.1"),
        ["a chunk with a bare LF"] = (SmtpListener.Exchange, Rcpt + "BDAT 6 LAST\r\nA: b\n\n", "550 5.6.11"),
        ["something else between chunks"] = (SmtpListener.Exchange, Rcpt + "BDAT 6\r\nA: b\r\nDATA\r\n", "503 5.5.1"),
        ["DATA for BINARYMIME"] = (SmtpListener.Exchange, Hello + "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<bob@{domain}>\r\nDATA\r\n", "503 5.5.1"),
        ["mail without a login"] = (SmtpListener.Submission, Mail, "530 5.7.0"),
        ["a mechanism that is not offered"] = (SmtpListener.Submission, Hello + "AUTH \u001b[31m AAAA\r\n", "504 5.5.4"),
        ["a login that is no base64"] = (SmtpListener.Submission, Hello + "AUTH PLAIN ****\r\n", "501 5.5.2"),
        ["a login that is cancelled"] = (SmtpListener.Submission, Hello + "AUTH LOGIN\r\n*\r\n", "501 5.7.0"),
        ["a login on a line that is too long"] = (SmtpListener.Submission, $"{Hello}AUTH PLAIN\r\n{Many('A', 13_000)}\r\n", "500 5.5.6"),
    };

    public static TheoryData<string> Names => [.. Rows.Keys];

    public static TheoryData<string> Verbs =>
        ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "HELP", "QUIT", "STARTTLS", "AUTH", "ETRN", "EXPN", "GET", "XYZZY"];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task MisbehaviourIsAnsweredAndReportedOnce(string name)
    {
        var (listener, script, lastRefusal) = Rows[name];
        Assert.Equal(lastRefusal, await RunAsync(script, listener));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task BadArgumentsInEveryStateAreAnsweredAndReportedOnce(string verb)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        foreach (var state in States)
        {
            foreach (var arguments in BadArguments)
            {
                await RunAsync($"{state}{verb}{arguments}\r\nQUIT\r\n", SmtpListener.Exchange, tenant);
            }
        }
    }

    [Fact]
    public async Task ClientThatSpeaksBeforeItIsGreetedIsSentAway()
    {
        var gateways = new WatchedGateways(cluster, greetDelay: TimeSpan.FromSeconds(5));
        await using var wire = gateways.OpenSmtp(SmtpListener.Exchange, "192.0.2.25");
        await wire.SendAsync("EHLO \u001b[31m\r\n");
        Assert.Equal("554 5.5.1", await ReportAsync(gateways, wire));
    }

    [Theory]
    [InlineData(Hello)]
    [InlineData(Hello + "MAIL FR")]
    [InlineData(Data)]
    [InlineData(Data + "Subject: x\r\n")]
    [InlineData(Rcpt + "BDAT 100\r\nSubject: x\r\n")]
    public async Task ClientThatSaysNoMoreIsCutOffInTime(string script)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenSmtp(SmtpListener.Exchange);
        await wire.SendAsync(script.Replace("{domain}", tenant.Domain, StringComparison.Ordinal));
        await gateways.WaitForEndAsync(wire);
        Assert.Equal("421 4.4.2", await ReportAsync(gateways, wire));
    }

    [Theory]
    [InlineData("\u0016\u0003\u0001\u0000\u0005hello")]
    [InlineData("EHLO \u001b[31m\r\nMAIL FROM:<a@b.test>\r\n")]
    [InlineData("")]
    public async Task GarbageInPlaceOfTlsIsReportedOnce(string garbage)
    {
        foreach (var (listener, before) in new[] { (SmtpListener.Submissions, ""), (SmtpListener.Submission, Hello + "STARTTLS\r\n"), (SmtpListener.Exchange, Hello + "STARTTLS\r\n") })
        {
            var gateways = new WatchedGateways(cluster);
            await using var wire = gateways.OpenSmtp(listener);
            if (before.Length > 0)
            {
                await wire.SendAsync(before);
                while (!(await wire.ReadLineAsync()).StartsWith("220 2.0.0 ", StringComparison.Ordinal))
                {
                }
            }

            await wire.SendAsync(garbage);
            await wire.HangUpAsync();
            await wire.ReadToEndAsync();
            await wire.Session;
            Assert.Contains(" session of 127.0.0.1 ended: no TLS, ", Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
            gateways.CheckThatTheLogIsPlainText();
        }
    }

    [Fact]
    public async Task HandshakeThatNeverComesIsReportedOnce()
    {
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenSmtp(SmtpListener.Submissions);
        await gateways.WaitForEndAsync(wire);
        Assert.EndsWith("no TLS, the handshake took too long", Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoginsThatFailAreAnsweredAndReportedOnceWithTheirNamesEscaped()
    {
        var gateways = new WatchedGateways(cluster, new QuickTime());
        await using var wire = gateways.OpenSmtp(SmtpListener.Submission, "127.0.0.25");
        var response = Convert.ToBase64String("\0\u001b[31meve\u202e@nowhere.test\0guess"u8);
        await wire.SendAsync(Hello + Repeat($"AUTH PLAIN {response}\r\n", 12));
        Assert.Equal("421 4.7.0", await ReportAsync(gateways, wire));
        Assert.True(gateways.HasLogged(@"\u001B[31meve\u202E@nowhere.test"));
    }

    [Fact]
    public async Task ClientThatDoesNothingWrongLeavesNoLine()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        Assert.Null(await RunAsync(Data + "Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n", SmtpListener.Exchange, tenant));
        Assert.Equal(1, await tenant.CountAsync("bob"));
    }

    private static string Many(char c, int count) => new(c, count);

    private static string Repeat(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();

    private async Task<string?> RunAsync(string script, SmtpListener listener)
    {
        if (!script.Contains("{domain}", StringComparison.Ordinal))
        {
            return await RunAsync(script, listener, null);
        }

        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        return await RunAsync(script, listener, tenant);
    }

    private async Task<string?> RunAsync(string script, SmtpListener listener, TestTenant? tenant)
    {
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenSmtp(listener);
        await wire.SendAsync(tenant is null ? script : script.Replace("{domain}", tenant.Domain, StringComparison.Ordinal));
        return await ReportAsync(gateways, wire);
    }

    /// <summary>Ends the session and holds the log against what the client heard; the last refusal.</summary>
    private static async Task<string?> ReportAsync(WatchedGateways gateways, WireConnection wire)
    {
        await wire.HangUpAsync();
        var replies = SmtpReplies.Read(await wire.ReadToEndAsync());
        await wire.Session;
        gateways.CheckThatTheLogIsPlainText();
        if (replies.Statuses.Contains("220 2.0.0"))
        {
            Assert.Contains("ended: no TLS, ", Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
            return null;
        }

        if (replies.LastRefusal is not { } last)
        {
            Assert.Empty(gateways.SessionLines);
            return null;
        }

        Assert.Contains(last, Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
        var words = last.Split(' ');
        return $"{words[0]} {words[1]}";
    }
}
