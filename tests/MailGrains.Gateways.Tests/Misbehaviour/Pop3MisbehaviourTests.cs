using System.Text;
using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Misbehaviour;

/// <summary>Whatever a POP3 client does wrong, it hears -ERR, the log says so in one line of its session, and nothing that it sent gets into the log as it is.</summary>
[Collection(SharedGateways.Name)]
public sealed class Pop3MisbehaviourTests(GatewayCluster cluster)
{
    private static readonly Dictionary<string, (string Script, string LastRefusal)> Rows = new()
    {
        ["an unknown command"] = ("\u001b]0;owned\u0007\r\n", "-ERR unknown command"),
        ["a command before login"] = ("STAT\r\n", "-ERR log in first"),
        ["a line that is too long"] = ($"USER {new string('x', 13_000)}\r\n", "-ERR line too long"),
        ["a line without an end"] = (new string('x', 1_200_000), "-ERR line too long"),
        ["a line that ends in LF"] = ("CAPA\n", "-ERR lines end in CRLF and hold no CR, LF or NUL"),
        ["a NUL"] = ("USER a\0b\r\n", "-ERR lines end in CRLF and hold no CR, LF or NUL"),
        ["a name that is no UTF-8"] = ("USER \u00ff\r\n", "-ERR syntax error in arguments"),
        ["PASS without USER"] = ("PASS \u001b[31m\r\n", "-ERR send USER first"),
        ["a mechanism that is not offered"] = ("AUTH \u001b[31m\r\n", "-ERR mechanism not offered"),
        ["a login that is no base64"] = ("AUTH PLAIN ****\r\n", "-ERR malformed authentication response"),
        ["a login that is cancelled"] = ("AUTH PLAIN\r\n*\r\n", "-ERR authentication cancelled"),
        ["too many errors"] = (new StringBuilder().Insert(0, "XYZZY\r\n", 60).ToString(), "-ERR too many errors"),
        ["a web request"] = ("GET / HTTP/1.1\r\n", "-ERR unknown command"),
    };

    public static TheoryData<string> Names => [.. Rows.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task MisbehaviourIsAnsweredAndReportedOnce(string name)
    {
        var (script, lastRefusal) = Rows[name];
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenPop3();
        await wire.SendAsync(script);
        Assert.Equal(lastRefusal, await ReportAsync(gateways, wire));
    }

    [Fact]
    public async Task LoginsThatFailAreAnsweredAndReportedOnceWithTheirNamesEscaped()
    {
        var gateways = new WatchedGateways(cluster, new QuickTime());
        await using var wire = gateways.OpenPop3(peer: "127.0.0.110");
        await wire.SendAsync(new StringBuilder().Insert(0, "USER \u001b[31meve\u00e2\u0080\u00ae@nowhere.test\r\nPASS guess\r\n", 12).ToString());
        Assert.StartsWith("-ERR [AUTH] ", await ReportAsync(gateways, wire), StringComparison.Ordinal);
        Assert.True(gateways.HasLogged(@"\u001B[31meve\u202E@nowhere.test"));
    }

    [Fact]
    public async Task ClientThatSaysNoMoreIsReportedOnce()
    {
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenPop3();
        await gateways.WaitForEndAsync(wire);
        Assert.EndsWith("POP3 session of 127.0.0.1 ended (TimedOut)", Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GarbageInPlaceOfTlsIsReportedOnce()
    {
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenPop3(implicitTls: true);
        await wire.SendAsync("USER \u001b[31m\r\n");
        await wire.HangUpAsync();
        await wire.ReadToEndAsync();
        await wire.Session;
        Assert.Contains("POP3 session of 127.0.0.1 ended: no TLS, ", Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
        gateways.CheckThatTheLogIsPlainText();
    }

    [Fact]
    public async Task ClientThatDoesNothingWrongLeavesNoLine()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var gateways = new WatchedGateways(cluster);
        await using var wire = gateways.OpenPop3();
        await wire.SendAsync($"CAPA\r\nUSER {tenant.Address("bob")}\r\nPASS {TestTenant.Password}\r\nSTAT\r\nQUIT\r\n");
        Assert.Null(await ReportAsync(gateways, wire));
    }

    /// <summary>Ends the session and holds the log against what the client heard; the last refusal.</summary>
    private static async Task<string?> ReportAsync(WatchedGateways gateways, WireConnection wire)
    {
        await wire.HangUpAsync();
        var answers = (await wire.ReadToEndAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        await wire.Session;
        gateways.CheckThatTheLogIsPlainText();
        Assert.All(answers, answer => Assert.DoesNotContain(answer, c => c is < ' ' or > '~'));
        if (answers.LastOrDefault(answer => answer.StartsWith("-ERR ", StringComparison.Ordinal)) is not { } last)
        {
            Assert.Empty(gateways.SessionLines);
            return null;
        }

        Assert.EndsWith($" refused, last {last}", Assert.Single(gateways.SessionLines), StringComparison.Ordinal);
        return last;
    }
}
