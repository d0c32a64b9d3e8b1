using System.Security.Cryptography.X509Certificates;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Grains.Tests.Relay.Destinations;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>Receivers whose TLS or login goes wrong: as <see cref="HostileServerTests"/>; and what must not go in clear never does.</summary>
public sealed class HostileTlsTests : IDisposable
{
    private const string D = "Deferred";
    private const string Taken = "RelayedWithoutDsn 2.0.0";
    private const bool Mail = false;
    private const bool Site = true;
    private const RouteTls Any = RouteTls.Opportunistic;
    private const RouteTls Must = RouteTls.Required;

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData(Any, "HANG", D + " 4.4.2", Site)]
    [InlineData(Any, "DRIP", D + " 4.4.2", Site)]
    [InlineData(Any, "CLOSE", D + " 4.4.2", Site)]
    [InlineData(Any, "RESET", D + " 4.4.2", Site)]
    [InlineData(Any, "ENDLESS", D + " 4.5.0", Site)]
    [InlineData(Any, "LONG", D + " 4.5.0", Site)]
    [InlineData(Any, "nonsense", D + " 4.5.0", Site)]
    [InlineData(Any, "354 go", D + " 4.5.0", Site)]
    [InlineData(Any, "421 4.3.2 bye", D + " 4.3.2", Site)]
    [InlineData(Any, "454 4.7.0 not now", Taken, Mail)]
    [InlineData(Any, "501 5.5.4 what", Taken, Mail)]
    [InlineData(Must, "454 4.7.0 not now", D + " 4.7.0", Site)]
    [InlineData(Must, "501 5.5.4 what", D + " 4.5.4", Site)]
    [InlineData(Any, "220 go|HANG", Taken, Mail)]
    [InlineData(Any, "220 go|DRIP", Taken, Mail)]
    [InlineData(Any, "220 go|CLOSE", Taken, Mail)]
    [InlineData(Any, "220 go|RESET", Taken, Mail)]
    [InlineData(Any, "220 go|ENDLESS", Taken, Mail)]
    [InlineData(Any, "220 go|LONG", Taken, Mail)]
    [InlineData(Must, "220 go|HANG", D + " 4.7.5", Site)]
    [InlineData(Must, "220 go|DRIP", D + " 4.7.5", Site)]
    [InlineData(Must, "220 go|CLOSE", D + " 4.7.5", Site)]
    [InlineData(Must, "220 go|RESET", D + " 4.7.5", Site)]
    [InlineData(Must, "220 go|ENDLESS", D + " 4.7.5", Site)]
    [InlineData(Must, "220 go|LONG", D + " 4.7.5", Site)]
    public async Task StartTlsAndItsHandshakeMayGoWrongInAnyWay(RouteTls tls, string answer, string expected, bool isAlone)
    {
        using var certificate = TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test");
        await using var server = new MailServer { Certificate = certificate, Extensions = "PIPELINING" };
        await using var harness = Routed(server, tls);
        var queue = harness.Queue("there.test");
        var reached = new TaskCompletionSource();
        server.Answer = HostileRun.GoesWrong("STARTTLS", answer, reached);

        var patience = answer.StartsWith("220", StringComparison.Ordinal) ? TimeSpan.FromMinutes(1) : TimeSpan.FromMinutes(5);
        var report = await HostileRun.TryAsync(harness, queue, queue.Message(), reached.Task, HostileRun.IsSilent(answer) ? patience : null);

        Assert.Equal(expected, HostileRun.Text(report));
        Assert.Equal(expected == Taken, server.Commands.Any(command => command.StartsWith("MAIL", StringComparison.Ordinal)));
        await HostileRun.RecoverAsync(harness, queue, server, isAlone);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("of another name")]
    [InlineData("of an unknown authority")]
    [InlineData("self-signed")]
    [InlineData("not for servers")]
    public async Task CertificateThatProvesNothingGetsNoMailThatIsForAVerifiedServer(string kind)
    {
        using var other = new TestAuthority("Other");
        using var certificate = kind switch
        {
            "expired" => TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test", DateTimeOffset.UtcNow.AddDays(-1)),
            "of another name" => TestAuthority.Certificate("CN=other.test", _authority.Root, ca: false, "other.test"),
            "of an unknown authority" => TestAuthority.Certificate("CN=smart.test", other.Root, ca: false, "smart.test"),
            "self-signed" => TestAuthority.Certificate("CN=smart.test", null, ca: false, "smart.test"),
            _ => TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test", usage: "1.3.6.1.5.5.7.3.2"),
        };
        await using var server = new MailServer { Certificate = certificate, Extensions = "PIPELINING" };
        await using var harness = Routed(server, RouteTls.Verified);
        var queue = harness.Queue("there.test");

        Assert.Equal(D + " 4.7.5", HostileRun.Text(await harness.SendAsync(queue, queue.Message())));

        Assert.DoesNotContain(server.Commands, command => command.StartsWith("MAIL", StringComparison.Ordinal));
        using var good = TestAuthority.Certificate("CN=smart.test", _authority.Root, ca: false, "smart.test");
        server.Certificate = good;
        await HostileRun.RecoverAsync(harness, queue, server, isAlone: true);
    }

    // All wait: what a login is answered says nothing of a mail.
    [Theory]
    [InlineData("AUTH", "HANG", D + " 4.4.2")]
    [InlineData("AUTH", "DRIP", D + " 4.4.2")]
    [InlineData("AUTH", "CLOSE", D + " 4.4.2")]
    [InlineData("AUTH", "RESET", D + " 4.4.2")]
    [InlineData("AUTH", "ENDLESS", D + " 4.5.0")]
    [InlineData("AUTH", "LONG", D + " 4.5.0")]
    [InlineData("AUTH", "nonsense", D + " 4.5.0")]
    [InlineData("AUTH", "354 go", D + " 4.5.0")]
    [InlineData("AUTH", "421 4.3.2 bye", D + " 4.3.2")]
    [InlineData("AUTH", "454 4.7.0 later", D + " 4.7.0")]
    [InlineData("AUTH", "504 5.5.4 unknown", D + " 4.5.4")]
    [InlineData("AUTH", "535 5.7.8 wrong", D + " 4.7.8")]
    [InlineData("AUTH", "334 |HANG", D + " 4.4.2")]
    [InlineData("AUTH", "334 ???", D + " 4.5.0")]
    [InlineData("", "334 ", D + " 4.5.0")]
    public async Task LoginMayGoWrongInAnyWay(string step, string answer, string expected)
    {
        await using var server = new MailServer { Extensions = "AUTH=LOGIN" };
        await using var harness = Routed(server, RouteTls.None, "us");
        var queue = harness.Queue("there.test");
        var reached = new TaskCompletionSource();
        var goesWrong = HostileRun.GoesWrong("AUTH", answer, reached);

        // Without a step: from AUTH on, whatever is said.
        server.Answer = said => goesWrong(said) ?? (step.Length == 0 && reached.Task.IsCompleted ? answer : null);

        var report = await HostileRun.TryAsync(harness, queue, queue.Message(), reached.Task, HostileRun.IsSilent(answer) ? TimeSpan.FromMinutes(5) : null);

        Assert.Equal(expected, HostileRun.Text(report));
        Assert.DoesNotContain(server.Commands, command => command.StartsWith("MAIL", StringComparison.Ordinal));
        Assert.DoesNotContain("secret", report.Outcomes[0].Text, StringComparison.Ordinal);
        await SenderHarness.UntilAsync(() => harness.IsSiteLeftAlone);
    }

    private SenderHarness Routed(MailServer server, RouteTls tls, string? user = null)
    {
        var harness = HostileRun.Harness();
        harness.Dns.Add("smart.test", DnsType.A, "127.0.0.1");
        harness.Destinations = harness.Destinations with { Roots = _authority.Roots };
        harness.Options = harness.Options with
        {
            Routes = new RelayRoutes([new RelayRoute("*") { Hosts = ["smart.test"], Port = server.Port, Tls = tls, User = user, Password = "secret" }]),
        };
        return harness;
    }
}
