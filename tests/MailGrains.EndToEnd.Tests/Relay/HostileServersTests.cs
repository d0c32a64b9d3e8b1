using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>Domains whose servers go wrong, each in its way, beside one whose server is well.</summary>
[Collection(Alone.Name)]
public sealed class HostileServersTests
{
    private const int EachHas = 10;
    private const int WellHas = 100;
    private const long Megabyte = 1 << 20;

    /// <summary>What the collector lets lie while all that is at work; ten replies of 10 MiB would be more.</summary>
    private const long MaxGrowthBytes = 96 * Megabyte;

    private static readonly (string Domain, string Step, string Answer)[] Silent =
        [("hang.test", "", "HANG"), ("drip.test", "EHLO", "DRIP"), ("deaf.test", "DATA", "354 go|HANG"), ("mute.test", ".", "HANG")];

    private static readonly (string Domain, string Step, string Answer)[] Loud =
    [
        ("long.test", "", "LONG"), ("endless.test", "MAIL", "ENDLESS"), ("wrong.test", "RCPT", "999 what"), ("cut.test", "RCPT", "CLOSE"), ("reset.test", "DATA", "RESET"),
        ("end.test", ".", "CLOSE"), ("late.test", ".", "LONG"), ("tls.test", "STARTTLS", "LONG"), ("shake.test", "STARTTLS", "220 go|LONG"),
    ];

    [Fact]
    public async Task Servers_that_go_wrong_hold_up_no_mail_for_others_and_get_theirs_when_they_are_well()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var dns = DnsServer.Start();
        await using var well = new MailServer();
        using var files = new DataFolder();
        var keys = new ServerCertificate(files.Path, "mx.test");
        using var certificate = X509Certificate2.CreateFromPemFile(keys.CertificatePath, keys.KeyPath);
        await using var bad = new Servers(dns, well.Port, certificate);
        bad.Add("well.test", well);
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(RelayTests.Options(folder, dns, well.Port, Hasty), cancel);
        using var admin = host.NewAdminClient();
        await admin.PutTenantAsync("acme", cancel);
        await SendAsync(host, "well.test", WellHas, 1, cancel);
        await Wait.UntilAsync(() => well.Taken.Count == 1, cancel);
        var before = host.WorkingSet;
        host.ResetPeak();

        await Task.WhenAll(bad.Domains.Select(domain => SendAsync(host, domain, 0, domain == "well.test" ? WellHas : EachHas, cancel)));

        await Wait.UntilAsync(() => well.Taken.Count == WellHas + 1, cancel);
        await Wait.UntilAsync(() => Loud.All(one => one.Domain == "shake.test" ? bad[one.Domain].Taken.Count >= EachHas : bad[one.Domain].Connections > 2), cancel);
        Assert.InRange(host.PeakWorkingSet - before, long.MinValue, MaxGrowthBytes);
        Assert.Equal(EachHas, bad["shake.test"].Taken.Count(mail => !mail.IsSecure));
        Assert.All(bad.Wrong.Where(server => server != bad["shake.test"]), server => Assert.Empty(server.Taken));

        foreach (var (domain, _, _) in Loud)
        {
            bad[domain].Answer = _ => null;
        }

        await Wait.UntilAsync(() => Loud.All(one => bad[one.Domain].Taken.Select(Content).Distinct().Count() == EachHas), cancel);
        Assert.Contains(bad["end.test"].Taken, mail => mail.Content.Contains("X-MailGrains-Repeat: ", StringComparison.Ordinal));
        Assert.All(bad["cut.test"].Taken, mail => Assert.DoesNotContain("X-MailGrains-Repeat: ", mail.Content, StringComparison.Ordinal));

        // Nothing was called failed, and what the silent ones are to have is kept.
        Assert.Equal(0, (await HostMetrics.ReadAsync(admin, cancel)).Sum("mailgrains_relay_recipients_total", "outcome=\"Failed\""));
        foreach (var (domain, _, _) in Silent)
        {
            var queue = JsonNode.Parse(await admin.GetAsync($"api/v1/tenants/acme/queues/{domain}/messages", cancel));
            Assert.Equal(EachHas, queue!["items"]!.AsArray().Count);
        }
    }

    private static Dictionary<string, string> Hasty => new()
    {
        ["MailGrains:Queues:RetryAfter:0"] = "00:00:01",
        ["MailGrains:Relay:Limits:FirstBackOff"] = "00:00:01",
        ["MailGrains:Relay:Limits:MaxBackOff"] = "00:00:01",
    };

    /// <summary>Without the trace.</summary>
    private static string Content(TakenMail mail) => mail.Content[mail.Content.IndexOf("Message-ID: ", StringComparison.Ordinal)..];

    private static async Task SendAsync(HostProcess host, string domain, int first, int messages, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        for (var i = 0; i < messages; i++)
        {
            Assert.Equal(250, (await session.SendAsync(new TestMessage(first + i, 1_000, [$"bob@{domain}"]), cancellationToken: cancellationToken)).Code);
        }
    }

    /// <summary>A server for each domain, on an address of its own.</summary>
    private sealed class Servers : IAsyncDisposable
    {
        private readonly Dictionary<string, MailServer> _servers = [];
        private readonly DnsServer _dns;

        public Servers(DnsServer dns, int port, X509Certificate2 certificate)
        {
            _dns = dns;
            foreach (var (domain, step, answer) in Silent.Concat(Loud))
            {
                var address = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.1.{_servers.Count + 1}"));
                var server = new MailServer(address, port) { Answer = said => (step.Length == 0 ? said.Length == 0 : said.StartsWith(step, StringComparison.Ordinal)) ? answer : null };
                server.Certificate = step == "STARTTLS" ? certificate : null;
                server.Extensions = step == "DATA" ? "PIPELINING 8BITMIME" : server.Extensions;
                Add(domain, server);
            }
        }

        public IEnumerable<string> Domains => _servers.Keys;

        public IEnumerable<MailServer> Wrong => Silent.Concat(Loud).Select(one => _servers[one.Domain]);

        public MailServer this[string domain] => _servers[domain];

        public void Add(string domain, MailServer server)
        {
            _servers[domain] = server;
            _dns.Add(domain, DnsType.Mx, $"10 mx.{domain}");
            _dns.Add($"mx.{domain}", DnsType.A, server.EndPoint.Address.ToString());
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var server in Wrong)
            {
                await server.DisposeAsync();
            }
        }
    }
}
