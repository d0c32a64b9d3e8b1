using System.Globalization;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>Three hosts on one folder send to one site; the one that keeps its limits is killed.</summary>
public sealed class SiteLimitTests(ITestOutputHelper output)
{
    private const int Queues = 200;
    private const int Messages = 240;
    private const int TakenBefore = 60;
    private const int Limit = 6;

    [Fact]
    public async Task A_site_never_has_more_connections_than_its_limit_while_the_host_that_keeps_it_is_killed()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var open = new SemaphoreSlim(TakenBefore);
        await using var server = new MailServer { Before = said => said == "." ? open.WaitAsync() : Task.CompletedTask };
        await using var dns = DnsServer.Start();
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        foreach (var number in Enumerable.Range(0, Queues))
        {
            dns.Add(Domain(number), DnsType.Mx, "10 mx.there.test");
        }

        using var folder = new DataFolder();
        await using var first = await StartAsync(folder, dns, server, cancel);
        using (var admin = first.NewAdminClient())
        {
            await admin.PutTenantAsync("acme", cancel);
        }

        var more = await Task.WhenAll(StartAsync(folder, dns, server, cancel), StartAsync(folder, dns, server, cancel));
        await using var second = more[0];
        await using var third = more[1];
        HostProcess[] hosts = [first, second, third];
        await Task.WhenAll(hosts.Select((host, i) => SendAsync(host, i, hosts.Length, cancel)));
        await Wait.UntilAsync(() => server.Taken.Count == TakenBefore && server.MostOpen >= Limit, cancel);

        // All connections are in the middle of a message.
        var keeper = Assert.Single(await KeepersAsync(hosts, cancel));
        await keeper.KillAsync();
        HostProcess[] left = [.. hosts.Where(host => host != keeper)];
        var before = server.Connections;
        open.Release(10 * Messages);
        await Wait.UntilAsync(() => server.Taken.Select(NumberOf).Distinct().Count() == Messages, cancel);

        // Where leases that had been given before were enough for all of them, the next keeper comes with the first renewal.
        await Wait.UntilAsync(async () => (await KeepersAsync(left, cancel)).Count == 1, cancel);

        output.WriteLine($"{before} connections before, {server.Connections - before} after; {server.Taken.Count(IsMarked)} messages marked.");
        foreach (var host in left)
        {
            Assert.Equal(0, await host.StopAsync());
        }

        Assert.InRange(server.MostOpen, Limit, Limit);
        Assert.DoesNotContain(server.Taken.Where(mail => !IsMarked(mail)).GroupBy(NumberOf), same => same.Count() > 1);
    }

    private static string Domain(int number) => string.Create(CultureInfo.InvariantCulture, $"d{number}.test");

    private static Task<HostProcess> StartAsync(DataFolder folder, DnsServer dns, MailServer server, CancellationToken cancellationToken) =>
        HostProcess.StartAsync(
            RelayTests.Options(folder, dns, server.Port, new()
            {
                ["MailGrains:Storage:Shared"] = "true",
                ["MailGrains:Queues:RetryAfter:0"] = "00:00:01",
                ["MailGrains:Relay:Limits:Connections"] = Limit.ToString(CultureInfo.InvariantCulture),
            }),
            cancellationToken);

    /// <summary>Every so many of the messages, from one of them on.</summary>
    private static async Task SendAsync(HostProcess host, int from, int step, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        for (var number = from; number < Messages; number += step)
        {
            var reply = await session.SendAsync(new TestMessage(number, 500, [$"bob@{Domain(number % Queues)}"]), cancellationToken: cancellationToken);
            Assert.True(reply.Code == 250, reply.Text);
        }
    }

    /// <summary>The hosts that keep a site's limits.</summary>
    private static async Task<IReadOnlyList<HostProcess>> KeepersAsync(IEnumerable<HostProcess> hosts, CancellationToken cancellationToken)
    {
        var keepers = new List<HostProcess>();
        foreach (var host in hosts)
        {
            using var admin = host.NewAdminClient();
            var metrics = await HostMetrics.ReadAsync(admin, cancellationToken);
            if (metrics.Sum("orleans_grains", "grain_type=\"destination\"") > 0)
            {
                keepers.Add(host);
            }
        }

        return keepers;
    }

    private static bool IsMarked(TakenMail mail) => mail.Content.Contains("X-MailGrains-Repeat: ", StringComparison.Ordinal);

    private static int NumberOf(TakenMail mail) => TestMessage.Find(System.Text.Encoding.Latin1.GetBytes(mail.Content)).Number;
}
