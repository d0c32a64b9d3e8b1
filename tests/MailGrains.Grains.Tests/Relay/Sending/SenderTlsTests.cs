using System.Security.Cryptography.X509Certificates;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Grains.Tests.Relay.Destinations;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

public sealed class SenderTlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task TlsIsUsedWhereItIsOfferedWhateverTheCertificate()
    {
        using var certificate = TestAuthority.Certificate("CN=other.test", null, ca: false, "other.test");
        await using var server = new MailServer { Certificate = certificate };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message());

        Assert.True(Assert.Single(server.Taken).IsSecure);
        Assert.Empty(Assert.Single(harness.Reports.TakeChanged()).Failures);
    }

    [Fact]
    public async Task HandshakeThatFailsIsFollowedByAConnectionInClear()
    {
        using var certificate = TestAuthority.Certificate("CN=other.test", null, ca: false, "other.test");
        await using var server = new MailServer { Certificate = certificate, BreaksTls = true };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal(OutcomeKind.Relayed, report.Outcomes[0].Kind);
        Assert.Equal((false, 2), (Assert.Single(server.Taken).IsSecure, server.Connections));
    }

    [Fact]
    public async Task RefusedStartTlsGoesOnInClear()
    {
        using var certificate = TestAuthority.Certificate("CN=other.test", null, ca: false, "other.test");
        await using var server = new MailServer { Certificate = certificate, Answer = said => said == "STARTTLS" ? "454 4.7.0 not now" : null };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message());

        Assert.Equal((false, 1), (Assert.Single(server.Taken).IsSecure, server.Connections));
    }

    [Theory]
    [InlineData(RouteTls.Required, false, "4.7.4")]
    [InlineData(RouteTls.Verified, false, "4.7.4")]
    [InlineData(RouteTls.Verified, true, "4.7.5")]
    public async Task NothingIsSentInClearOrToAStrangerWhereTheRouteSaysSo(RouteTls tls, bool offers, string expected)
    {
        using var stranger = TestAuthority.Certificate("CN=127.0.0.1", null, ca: false, "smart.test");
        await using var server = new MailServer { Certificate = offers ? stranger : null };
        await using var harness = Routed(server, tls);
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());

        Assert.Equal((OutcomeKind.Deferred, expected), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced));
        Assert.DoesNotContain(server.Commands, command => command.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task VerifiedServerGetsMail()
    {
        using var certificate = TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test");
        await using var server = new MailServer { Certificate = certificate };
        await using var harness = Routed(server, RouteTls.Verified);
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message());

        Assert.True(Assert.Single(server.Taken).IsSecure);
    }

    [Fact]
    public async Task MessageThatRequiresTlsNeedsAServerThatKnowsItAndIsVerified()
    {
        using var certificate = TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test");
        await using var server = new MailServer { Certificate = certificate, Extensions = "PIPELINING REQUIRETLS" };
        await using var harness = Routed(server, RouteTls.Opportunistic);
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message(m => m with { Needs = MessageNeeds.RequireTls }));
        Assert.Contains(server.Commands, command => command.StartsWith("MAIL", StringComparison.Ordinal) && command.EndsWith(" REQUIRETLS", StringComparison.Ordinal));

        await using var other = new MailServer { Certificate = certificate, Extensions = "PIPELINING" };
        await using var second = Routed(other, RouteTls.Opportunistic);
        queue = second.Queue("there.test");
        var outcome = (await second.SendAsync(queue, queue.Message(m => m with { Needs = MessageNeeds.RequireTls }))).Outcomes[0];
        Assert.Equal((OutcomeKind.Failed, "5.7.30"), (outcome.Kind, outcome.Enhanced));
        Assert.Empty(other.Taken);
    }

    [Fact]
    public async Task MessageThatRequiresTlsDoesNotGoWhereOnlyPlainDnsNamesTheServer()
    {
        await using var server = new MailServer { Extensions = "REQUIRETLS" };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");

        var outcome = (await harness.SendAsync(queue, queue.Message(m => m with { Needs = MessageNeeds.RequireTls }))).Outcomes[0];

        Assert.Equal((OutcomeKind.Failed, "5.7.30"), (outcome.Kind, outcome.Enhanced));
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task VerificationThatFailsForOneMessageDoesNotStopTheOthers()
    {
        using var stranger = TestAuthority.Certificate("CN=smart.test", null, ca: false, "smart.test");
        await using var server = new MailServer { Certificate = stranger, Extensions = "PIPELINING REQUIRETLS" };
        await using var harness = Routed(server, RouteTls.Opportunistic);
        var queue = harness.Queue("there.test");

        var strict = await harness.SendAsync(queue, queue.Message(m => m with { Needs = MessageNeeds.RequireTls }));
        var other = await harness.SendAsync(queue, queue.Message());

        Assert.Equal((OutcomeKind.Deferred, "4.7.5"), (strict.Outcomes[0].Kind, strict.Outcomes[0].Enhanced));
        Assert.Equal(OutcomeKind.RelayedWithoutDsn, other.Outcomes[0].Kind);
    }

    [Fact]
    public async Task LoginIsMadeAndARefusedOneLetsMailWaitWithAnAlarm()
    {
        using var certificate = TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test");
        await using var server = new MailServer { Certificate = certificate, Extensions = "AUTH=PLAIN" };
        await using var harness = Routed(server, RouteTls.Verified, "us");
        server.Answer = said => said.StartsWith("AUTH", StringComparison.Ordinal) ? "535 5.7.8 wrong" : null;
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, queue.Message());
        Assert.Equal((OutcomeKind.Deferred, 535, "4.7.8"), (report.Outcomes[0].Kind, report.Outcomes[0].Code, report.Outcomes[0].Enhanced));
        var alarm = Assert.Single(harness.Alarms.Current);
        Assert.Equal((RelayAlarmKind.LoginRefused, "smart.test"), (alarm.Kind, alarm.Subject));

        server.Answer = said => said.StartsWith("AUTH", StringComparison.Ordinal) ? "235 2.7.0 ok" : null;
        await SenderHarness.UntilAsync(() => harness.IsSiteLeftAlone);
        harness.Time.Advance(TimeSpan.FromMinutes(10));
        await harness.SendAsync(queue, queue.Message());
        Assert.Single(server.Taken);
        Assert.Empty(harness.Alarms.Current);
    }

    private SenderHarness Routed(MailServer server, RouteTls tls, string? user = null)
    {
        var harness = new SenderHarness();
        harness.Dns.Add("smart.test", MailGrains.Testing.Dns.DnsType.A, "127.0.0.1");
        harness.Destinations = harness.Destinations with { Roots = _authority.Roots };
        harness.Options = harness.Options with
        {
            Routes = new RelayRoutes([new RelayRoute("*") { Hosts = ["smart.test"], Port = server.Port, Tls = tls, User = user, Password = "secret" }]),
        };
        return harness;
    }
}
