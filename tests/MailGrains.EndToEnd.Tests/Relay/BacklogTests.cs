using System.Globalization;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>The benchmarks <c>relay-backlog</c> and <c>relay-world</c> in small.</summary>
public sealed class BacklogTests
{
    private const int Connections = 8;
    private const string Sender = "sender@us.test";

    [Fact]
    public async Task Of_messages_for_many_dead_domains_none_is_lost_when_the_host_is_killed_and_all_arrive_when_the_servers_are_there()
    {
        const int Messages = 4_000;
        var cancel = TestContext.Current.CancellationToken;
        var ledger = new MessageLedger(Messages, domains: 100);
        var port = FreePort.Choose();
        await using var dns = Dns(domains: 100);
        using var folder = new DataFolder();
        var options = RelayTests.Options(folder, dns, port, new() { ["MailGrains:Queues:RetryAfter:0"] = "01:00:00" });
        await using (var host = await StartAsync(options, cancel))
        {
            var sending = new BulkSender(ledger, host.Smtp, Sender, 500).SendAsync(Messages, Connections, cancel);
            await Wait.UntilAsync(() => ledger.Acknowledged > Messages / 2, cancel);
            await host.KillAsync();
            await sending;
        }

        await using var again = await StartAsync(options, cancel);
        await using var servers = new WorldServer(ledger, WorldMix.Kind, port);
        using var admin = again.NewAdminClient();
        await admin.RetryQueuesAsync("acme", cancel);
        await Wait.UntilAsync(() => ledger.Lost == 0, cancel);

        // The others were on their way when the host was killed.
        Assert.InRange(ledger.Acknowledged, Messages / 2, Messages - 1);
        Assert.InRange(ledger.Arrived, ledger.Acknowledged, ledger.Acknowledged + Connections);
        Assert.Equal(0, ledger.Doubled);
    }

    [Fact]
    public async Task Where_servers_defer_refuse_wait_and_drop_connections_each_message_arrives_or_is_refused_and_comes_twice_only_where_it_says_so()
    {
        const int Messages = 1_000;
        var cancel = TestContext.Current.CancellationToken;
        var ledger = new MessageLedger(Messages, domains: 5);
        await using var servers = new WorldServer(ledger, WorldMix.World with { Drops = 0.05, Delay = TimeSpan.FromSeconds(0.3) });
        await using var dns = Dns(domains: 5);
        using var folder = new DataFolder();
        var settings = new[] { 1, 2 }.Index().ToDictionary(
            step => $"MailGrains:Queues:RetryAfter:{step.Index}", step => TimeSpan.FromSeconds(step.Item).ToString("c", CultureInfo.InvariantCulture));
        settings["MailGrains:Relay:Limits:FirstBackOff"] = settings["MailGrains:Relay:Limits:MaxBackOff"] = "00:00:01";
        await using var host = await StartAsync(RelayTests.Options(folder, dns, servers.Port, settings), cancel);
        await new BulkSender(ledger, host.Smtp, Sender, 500).SendAsync(Messages, Connections, cancel);
        await Wait.UntilAsync(() => ledger.Settled == Messages, cancel);
        Assert.Equal(0, await host.StopAsync());
        Assert.Equal((Messages, 0, 0), (ledger.Acknowledged, ledger.Lost, ledger.Doubled));
    }

    private static async Task<HostProcess> StartAsync(HostOptions options, CancellationToken cancel)
    {
        var host = await HostProcess.StartAsync(options, cancel);
        using var admin = host.NewAdminClient();
        await admin.PutMailboxesAsync("acme", [Sender], "a long password", cancel);
        return host;
    }

    /// <summary>Each domain has a server's name of its own.</summary>
    private static DnsServer Dns(int domains)
    {
        var dns = DnsServer.Start();
        for (var i = 0; i < domains; i++)
        {
            dns.Add(MessageLedger.DomainOf(i), DnsType.Mx, $"10 mx.{MessageLedger.DomainOf(i)}");
            dns.Add($"mx.{MessageLedger.DomainOf(i)}", DnsType.A, "127.0.0.1");
        }

        return dns;
    }
}
