using System.Globalization;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>The built host sends what is not its own to the servers that DNS, or a route, names.</summary>
public sealed class RelayTests
{
    [Fact]
    public async Task Mail_for_other_servers_arrives_there_by_mx_and_by_route_and_leaves_no_queue()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = new MailServer();
        await using var smartHost = new MailServer();
        await using var dns = DnsServer.Start();
        dns.Add("there.test", DnsType.Mx, "10 mx.there.test");
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(
            Options(folder, dns, server.Port, new()
            {
                ["MailGrains:Relay:Routes:0:Domain"] = "*.routed.test",
                ["MailGrains:Relay:Routes:0:Host"] = "127.0.0.1",
                ["MailGrains:Relay:Routes:0:Port"] = smartHost.Port.ToString(CultureInfo.InvariantCulture),
            }),
            cancel);
        using var admin = host.NewAdminClient();
        await admin.PutTenantAsync("acme", cancel);

        var small = new TestMessage(1, 2_000, ["bob@there.test", "eve@there.test"]);
        var large = new TestMessage(2, 200_000, ["bob@there.test"]);
        var routed = new TestMessage(3, 2_000, ["joe@a.routed.test"]);
        using (var session = await SmtpSession.OpenAsync(host.Smtp, cancel))
        {
            foreach (var message in new[] { small, large, routed })
            {
                var reply = await session.SendAsync(message, cancellationToken: cancel);
                Assert.True(reply.Code == 250, reply.Text);
            }
        }

        await Wait.UntilAsync(() => server.Taken.Count == 2 && smartHost.Taken.Count == 1, cancel);
        var mails = server.Taken.OrderBy(mail => mail.Content.Length).ToArray();
        Assert.Equal(["bob@there.test", "eve@there.test"], mails[0].To);
        Assert.EndsWith(System.Text.Encoding.Latin1.GetString(small.Content()), mails[0].Content, StringComparison.Ordinal);
        Assert.EndsWith(System.Text.Encoding.Latin1.GetString(large.Content()), mails[1].Content, StringComparison.Ordinal);
        Assert.StartsWith("Received: ", mails[0].Content, StringComparison.Ordinal);
        Assert.Equal(["joe@a.routed.test"], Assert.Single(smartHost.Taken).To);
        Assert.Contains("EHLO us.test", server.Commands);

        var metrics = await HostMetrics.ReadAsync(admin, cancel);
        Assert.Equal(3, metrics.Sum("mailgrains_queue_messages_total", "status=\"Queued\""));
        Assert.Equal(0, await host.StopAsync());
    }

    [Fact]
    public async Task Mail_that_waits_for_a_server_outlives_a_killed_host_and_arrives_once()
    {
        const int Messages = 60;
        var cancel = TestContext.Current.CancellationToken;
        var port = FreePort.Choose();
        await using var dns = DnsServer.Start();
        dns.Add("there.test", DnsType.Mx, "10 mx.there.test");
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        using var folder = new DataFolder();
        var options = Options(folder, dns, port, new()
        {
            ["MailGrains:Queues:RetryAfter:0"] = "00:00:01",
            ["MailGrains:Relay:Limits:FirstBackOff"] = "00:00:03",
            ["MailGrains:Relay:Limits:MaxBackOff"] = "00:00:03",
        });
        await using (var host = await HostProcess.StartAsync(options, cancel))
        {
            using var admin = host.NewAdminClient();
            await admin.PutTenantAsync("acme", cancel);
            using var session = await SmtpSession.OpenAsync(host.Smtp, cancel);
            for (var i = 0; i < Messages; i++)
            {
                Assert.Equal(250, (await session.SendAsync(new TestMessage(i, 1_000, ["bob@there.test"]), cancellationToken: cancel)).Code);
            }

            // Twice: the others wait for what becomes of one.
            await Wait.UntilAsync(
                async () => (await HostMetrics.ReadAsync(admin, cancel)).Sum("mailgrains_relay_attempts_total") >= 2, cancel);
            await host.KillAsync();
        }

        await using var server = new MailServer(port: port);
        await using var again = await HostProcess.StartAsync(options, cancel);
        await Wait.UntilAsync(() => Subjects(server).Distinct().Count() == Messages, cancel);
        Assert.Equal(0, await again.StopAsync());

        // What was being tried when the host was killed may come twice, and says so.
        var unmarked = server.Taken.Where(mail => !mail.Content.Contains("X-MailGrains-Repeat: ", StringComparison.Ordinal));
        Assert.DoesNotContain(unmarked.GroupBy(Subject), same => same.Count() > 1);
    }

    [Fact]
    public async Task What_a_server_refuses_comes_back_to_its_senders_mailbox_here()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = new MailServer
        {
            Answer = command => command.StartsWith("RCPT TO:<nobody@", StringComparison.OrdinalIgnoreCase) ? "550 5.1.1 no such user" : null,
        };
        await using var dns = DnsServer.Start();
        dns.Add("there.test", DnsType.Mx, "10 mx.there.test");
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(Options(folder, dns, server.Port, []), cancel);
        using var admin = host.NewAdminClient();
        var message = new TestMessage(1, 50_000, ["bob@there.test", "nobody@there.test"]);
        const string Password = "a long password";
        await admin.PutTenantAsync("acme", cancel);
        await admin.PutDomainAsync("acme", "client.test", cancel);
        await admin.PutMailboxAsync("acme", message.Sender, Password, cancellationToken: cancel);
        using (var session = await SmtpSession.OpenAsync(host.Smtp, cancel))
        {
            Assert.Equal(250, (await session.SendAsync(message, cancellationToken: cancel)).Code);
        }

        byte[] report = [];
        await Wait.UntilAsync(
            async () =>
            {
                using var reader = await Pop3Session.LogInAsync(host.Pop3, message.Sender, Password, cancel);
                var list = await reader.ListAsync(cancel);
                report = list is [var only] ? await reader.RetrieveAsync(only.Number, cancel) : [];
                return list.Count > 0;
            },
            cancel);
        var text = System.Text.Encoding.UTF8.GetString(report);
        Assert.StartsWith("Return-Path: <>\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nFrom: Mail Delivery System <MAILER-DAEMON@client.test>\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nFinal-Recipient: rfc822; nobody@there.test\r\nAction: failed\r\nStatus: 5.1.1\r\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("bob@there.test", text, StringComparison.Ordinal);
        Assert.Contains("\r\nSubject: number 1\r\n", text, StringComparison.Ordinal);
        Assert.Equal(["bob@there.test"], Assert.Single(server.Taken).To);
        var metrics = await HostMetrics.ReadAsync(admin, cancel);
        Assert.Equal(1, metrics.Sum("mailgrains_reports_total", "purpose=\"Failed\""));
        Assert.Equal(0, await host.StopAsync());
    }

    private static IEnumerable<string> Subjects(MailServer server) => server.Taken.Select(Subject);

    private static string Subject(TakenMail mail) => mail.Content.Split("\r\n").First(line => line.StartsWith("Subject:", StringComparison.Ordinal));

    /// <summary>A host that relays for loopback, asks the test's DNS, and finds mail servers on loopback.</summary>
    internal static HostOptions Options(DataFolder folder, DnsServer dns, int port, Dictionary<string, string> more)
    {
        var settings = new Dictionary<string, string>
        {
            ["MailGrains:HostName"] = "us.test",
            ["MailGrains:Dns:Servers:0"] = dns.EndPoint.ToString(),
            ["MailGrains:Relay:Port"] = port.ToString(CultureInfo.InvariantCulture),
            ["MailGrains:Relay:AllowPrivateDestinations"] = "true",
            ["MailGrains:Relay:MtaSts"] = "false",
            ["MailGrains:Smtp:RelayNetworks:0"] = "127.0.0.0/8",
            ["MailGrains:Smtp:RelayTenant"] = "acme",
        };
        foreach (var (name, value) in more)
        {
            settings[name] = value;
        }

        return new HostOptions { DataFolder = folder.Path, Settings = settings };
    }
}
