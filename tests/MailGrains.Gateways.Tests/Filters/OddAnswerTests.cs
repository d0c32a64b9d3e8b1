using System.Net.Sockets;
using System.Text;
using MailGrains.Gateways.Filters;

namespace MailGrains.Gateways.Tests.Filters;

/// <summary>Whatever a daemon answers that is no verdict leaves the message to the policy, in bounded time and memory.</summary>
public sealed class OddAnswerTests
{
    private const string Headers = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";

    [Theory]
    [InlineData(Headers + "{\"action\":\"no action\"", "broken-answer")]
    [InlineData(Headers + "", "broken-answer")]
    [InlineData(Headers + "null", "broken-answer")]
    [InlineData(Headers + "[]", "broken-answer")]
    [InlineData(Headers + "{\"action\":7}", "broken-answer")]
    [InlineData(Headers + "{\"action\":\"no action\",\"score\":\"high\"}", "broken-answer")]
    [InlineData(Headers + "{\"action\":\"no action\",\"milter\":{\"add_headers\":[]}}", "broken-answer")]
    [InlineData(Headers + "{}", "unknown-action")]
    [InlineData(Headers + "{\"action\":\"frobnicate\"}", "unknown-action")]
    [InlineData("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "http-403")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", "http-302")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"action\":\"no action\"}", "unreachable")]
    [InlineData("SMTP\r\n\r\n", "unreachable")]
    [InlineData("", "unreachable")]
    public async Task RspamdThatAnswersNonsenseCouldNotTell(string answer, string reason)
    {
        await using var daemon = new OddDaemon((stream, cancel) => AnswerHttpAsync(stream, answer, cancel));
        using var filter = new RspamdFilter(daemon.Url, null, TestFilters.Patient);

        Assert.Equal($"defer; rspamd=defer (failed: {reason})", (await TestFilters.JudgeAsync(filter, TestFilters.Message("x"))).ToString());
    }

    [Theory]
    [InlineData("no action", FilterAction.Accept)]
    [InlineData("add header", FilterAction.Junk)]
    [InlineData("rewrite subject", FilterAction.Junk)]
    [InlineData("quarantine", FilterAction.Junk)]
    [InlineData("greylist", FilterAction.Defer)]
    [InlineData("soft reject", FilterAction.Defer)]
    [InlineData("reject", FilterAction.Reject)]
    [InlineData("discard", FilterAction.Reject)]
    public async Task ActionsOfRspamdAreVerdicts(string action, FilterAction expected)
    {
        await using var daemon = new OddDaemon((stream, cancel) => AnswerHttpAsync(stream, $"{Headers}{{\"action\":\"{action}\",\"score\":1.5}}", cancel));
        using var filter = new RspamdFilter(daemon.Url, null, TestFilters.Patient);

        Assert.Equal(expected, (await TestFilters.JudgeAsync(filter, TestFilters.Message("x"))).Action);
    }

    [Fact]
    public async Task FieldsThatRspamdAddsAreBoundedAndNoneSpeaksForTheMessageOrForUs()
    {
        var many = string.Join(',', Enumerable.Range(0, 50).Select(i => $"\"X-Many-{i}\":\"{new string('a', 3000)}\""));
        const string Refused = """
            "Subject":"a","Received":"a","X-MailGrains-Verdict":"a","x-spam-flag":"a","X-Virus-Status":"a","X-A B":"a","X-A:":"a","X-\r\nB":"a","":"a",
            "X-Number":1,"X-Other":{"order":1},"X-Null":null,
            """;
        var answer = Headers + """{"action":"no action","milter":{"add_headers":{""" + Refused + """ "X-List":["one",{"value":"two"}],""" + many + "}}}";
        await using var daemon = new OddDaemon((stream, cancel) => AnswerHttpAsync(stream, answer, cancel));
        using var filter = new RspamdFilter(daemon.Url, null, TestFilters.Patient);

        var verdict = await TestFilters.JudgeAsync(filter, TestFilters.Message("x"));

        var fields = Encoding.UTF8.GetString(verdict.Fields("mx.test")).Replace("\r\n\t", "", StringComparison.Ordinal).Split("\r\n")[..^1];
        Assert.Equal(["X-MailGrains-Verdict: mx.test; accept; rspamd=accept (no-action)", "X-List: one", "X-List: two"], fields[..3]);
        Assert.All(fields[3..], f => Assert.StartsWith("X-Many-", f, StringComparison.Ordinal));
        Assert.Equal(17, fields.Length);
        Assert.All(fields, f => Assert.InRange(f.Length, 1, 2100));
    }

    [Fact]
    public async Task EndlessAnswerOfRspamdIsCutOff()
    {
        await using var daemon = new OddDaemon(async (stream, cancel) =>
        {
            await AnswerHttpAsync(stream, Headers + "{\"action\":\"", cancel);
            await EndlesslyAsync(stream, cancel);
        });
        using var filter = new RspamdFilter(daemon.Url, null, TestFilters.Patient);

        Assert.Equal("defer; rspamd=defer (failed: endless-answer)", (await TestFilters.JudgeAsync(filter, TestFilters.Message("x"))).ToString());
    }

    [Theory]
    [InlineData("stream: OK\0", "accept; clamd=accept (clean)")]
    [InlineData("stream: Eicar Test\r\n FOUND\0", "reject; clamd=reject (Eicar-Test--)")]
    [InlineData("stream: OK", "defer; clamd=defer (failed: no-answer)")]
    [InlineData("", "defer; clamd=defer (failed: no-answer)")]
    [InlineData("stream:  FOUND\0", "defer; clamd=defer (failed: broken-answer)")]
    [InlineData("stream: fine\0", "defer; clamd=defer (failed: broken-answer)")]
    [InlineData("UNKNOWN COMMAND\0", "defer; clamd=defer (failed: broken-answer)")]
    [InlineData("INSTREAM size limit exceeded. ERROR\0", "defer; clamd=defer (failed: size-limit)")]
    [InlineData("stream: Can't allocate memory ERROR\0", "defer; clamd=defer (failed: error)")]
    public async Task OnlyWhatClamdSaysClearlyIsAVerdict(string answer, string expected)
    {
        await using var daemon = new OddDaemon((stream, cancel) => AnswerClamdAsync(stream, answer, cancel));
        using var filter = new ClamdFilter(daemon.Address, TestFilters.Patient);

        Assert.Equal(expected, (await TestFilters.JudgeAsync(filter, TestFilters.Message("x"))).ToString());
    }

    [Fact]
    public async Task EndlessAnswerOfClamdIsCutOff()
    {
        await using var daemon = new OddDaemon(EndlesslyAsync);
        using var filter = new ClamdFilter(daemon.Address, TestFilters.Patient);

        Assert.Equal("defer; clamd=defer (failed: no-answer)", (await TestFilters.JudgeAsync(filter, TestFilters.Message("x"))).ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DaemonThatReadsNothingIsGivenUpInTime(bool rspamd)
    {
        await using var daemon = new OddDaemon((_, cancel) => Task.Delay(Timeout.Infinite, cancel));
        var limits = TestFilters.Patient with { Timeout = TimeSpan.FromMilliseconds(200) };
        using IMessageFilter filter = rspamd ? new RspamdFilter(daemon.Url, null, limits) : new ClamdFilter(daemon.Address, limits);

        var verdict = await TestFilters.JudgeAsync(filter, TestFilters.Message(new byte[32 * 1024 * 1024]));

        Assert.EndsWith("(failed: timeout)", verdict.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NobodyAtTheAddressIsAFailure(bool rspamd)
    {
        var daemon = new OddDaemon((_, _) => Task.CompletedTask);
        var (url, address) = (daemon.Url, daemon.Address);
        await daemon.DisposeAsync();
        using IMessageFilter filter = rspamd ? new RspamdFilter(url, null, TestFilters.Patient) : new ClamdFilter(address, TestFilters.Patient);

        Assert.EndsWith(
            "(failed: unreachable)", (await TestFilters.JudgeAsync(filter, TestFilters.Message("x"))).ToString(), StringComparison.Ordinal);
    }

    private static async Task AnswerHttpAsync(NetworkStream stream, string answer, CancellationToken cancellationToken)
    {
        // The request has a body of a few octets behind its header.
        var request = new StringBuilder();
        var buffer = new byte[4096];
        while (!request.ToString().EndsWith("\r\nx", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, cancellationToken);
            request.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), cancellationToken);
    }

    private static async Task AnswerClamdAsync(NetworkStream stream, string answer, CancellationToken cancellationToken)
    {
        // The command, a piece of one octet and the end.
        await stream.ReadExactlyAsync(new byte["zINSTREAM\0".Length + 4 + 1 + 4], cancellationToken);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), cancellationToken);
    }

    private static async Task EndlesslyAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var noise = Encoding.ASCII.GetBytes(new string('a', 8192));
        while (true)
        {
            await stream.WriteAsync(noise, cancellationToken);
        }
    }
}
