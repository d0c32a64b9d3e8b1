using System.Net;
using MailGrains.Gateways.Filters;
using MailGrains.Testing.Daemons;

namespace MailGrains.Gateways.Tests.Filters;

/// <summary>rspamd and ClamAV themselves.</summary>
[Collection(SharedGateways.Name)]
public sealed class RealDaemonTests(RspamdServer rspamd, ClamdServer clamd)
{
    [Theory]
    [InlineData("X-Test-Score: 0\r\n", "accept; rspamd=accept (no-action, 0.00)")]
    [InlineData("X-Test-Score: 5.5\r\n", "defer; rspamd=defer (greylist, 5.50)")]
    [InlineData("X-Test-Score: 7\r\n", "junk; rspamd=junk (add-header, 7.00)")]
    [InlineData("X-Test-Score: 15\r\n", "reject; rspamd=reject (reject, 15.00)")]
    public async Task ScoresOfRspamdAreVerdicts(string header, string expected)
    {
        using var filter = new RspamdFilter(await rspamd.UrlAsync(), null, TestFilters.Patient);

        Assert.Equal(expected, (await TestFilters.JudgeAsync(filter, TestFilters.Message(header + TestMail.New()))).ToString());
    }

    [Fact]
    public async Task GtubeIsRejected()
    {
        using var filter = new RspamdFilter(await rspamd.UrlAsync(), null, TestFilters.Patient);

        var verdict = await TestFilters.JudgeAsync(filter, TestFilters.Message(TestMail.New(RspamdServer.Gtube + "\r\n")));

        Assert.Equal("550 5.7.1 Message refused (rspamd: reject), id t1", verdict.Refusal("t1")!.ToString());
    }

    [Fact]
    public async Task RspamdKnowsTheEnvelopeAndOurTrace()
    {
        using var filter = new RspamdFilter(await rspamd.UrlAsync(), null, TestFilters.Patient);
        var content = "X-Test-Envelope: show\r\n" + TestMail.New();
        var message = TestFilters.Message(content) with { Login = "ann@example.org", ReverseName = "host7.example.org" };
        var anonymous = TestFilters.Message(content) with { ReversePath = "", Peer = IPAddress.Parse("::ffff:192.0.2.7") };

        var seen = FieldOf(await TestFilters.JudgeAsync(filter, message), "X-Test-Seen");
        var bounce = FieldOf(await TestFilters.JudgeAsync(filter, anonymous), "X-Test-Seen");

        var size = TestFilters.Trace.Length + content.Length;
        Assert.Equal(
            $"<ann@example.org> bob@example.test,carol@example.test 192.0.2.7 client.example.org host7.example.org ann@example.org trace-1 1 {size}", seen);
        Assert.Equal($"<> bob@example.test,carol@example.test 192.0.2.7 client.example.org - - trace-1 1 {size}", bounce);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SignatureOfClamdRefusesAndCleanContentPasses(bool tcp)
    {
        EndPoint address = tcp ? await clamd.AddressAsync() : await clamd.SocketAsync();
        using var filter = new ClamdFilter(address, TestFilters.Patient);

        var found = await TestFilters.JudgeAsync(filter, TestFilters.Message(TestMail.New($"attached: {ClamdServer.Virus}\r\n")));
        var clean = await TestFilters.JudgeAsync(filter, TestFilters.Message(TestMail.New()));

        Assert.Equal($"550 5.7.1 Message refused (clamd: {ClamdServer.Signature}), id t1", found.Refusal("t1")!.ToString());
        Assert.Equal("accept; clamd=accept (clean)", clean.ToString());
        Assert.Equal("Clean", FieldOf(clean, "X-Virus-Status"));
    }

    [Fact]
    public async Task WhatIsOverClamdsOwnLimitIsAFailureOfTheFilter()
    {
        using var filter = new ClamdFilter(await clamd.AddressAsync(), TestFilters.Patient);

        var verdict = await TestFilters.JudgeAsync(filter, Huge(ClamdServer.MaxBytes + 1, ""));

        // It closes while we still send: its word may be lost with the connection.
        Assert.Matches(@"^defer; clamd=defer \(failed: (size-limit|no-answer|unreachable)\)$", verdict.ToString());
    }

    [Fact]
    public async Task HugeMessageIsStreamedPiecewise()
    {
        const int Bytes = ClamdServer.MaxBytes - 1024;
        using var scanner = new ClamdFilter(await clamd.AddressAsync(), TestFilters.Patient);
        using var spam = new RspamdFilter(await rspamd.UrlAsync(), null, TestFilters.Patient);
        using var pipeline = TestFilters.Pipeline(scanner, spam);

        // Other tests of the process allocate beside some of the turns.
        var least = long.MaxValue;
        for (var turn = 0; turn < 5; turn++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var verdict = (await pipeline.JudgeAsync(Huge(Bytes, ClamdServer.Virus), TestContext.Current.CancellationToken))!;
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
            Assert.StartsWith($"reject; clamd=reject ({ClamdServer.Signature}); rspamd=accept (no-action", verdict.ToString(), StringComparison.Ordinal);
        }

        Assert.InRange(least, 0, Bytes / 4);
    }

    private static MessageFacts Huge(int bytes, string end) => TestFilters.Message(bytes, () => new RepeatedStream(bytes, end));

    private static string FieldOf(MessageVerdict verdict, string name) =>
        System.Text.Encoding.UTF8.GetString(verdict.Fields("mx.test")).Replace("\r\n\t", " ", StringComparison.Ordinal).Split("\r\n")
            .Single(f => f.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];
}
