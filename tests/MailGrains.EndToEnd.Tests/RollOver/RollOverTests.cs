using System.Globalization;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>The processes of a service are replaced one after another while it is used, and its clients hear of it by 421 at the most.</summary>
public sealed class RollOverTests(ITestOutputHelper output)
{
    private const int Hosts = 3;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    [Fact]
    public async Task Each_of_three_hosts_is_replaced_under_load_and_no_transaction_fails()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        var cancel = limit.Token;
        await using var other = new MailServer();
        await using var dns = DnsServer.Start();
        await using var azurite = await AzuriteServer.StartAsync(cancel);
        var account = azurite.NewAccount();
        await using var fleet = new Fleet(account, Settings(dns, other));
        var traffic = new Traffic();
        for (var i = 0; i < Hosts; i++)
        {
            await fleet.StartAsync(program: null, cancel);
        }

        await traffic.PrepareAsync(fleet, cancel);
        var running = traffic.RunAsync(fleet, keepsAlive: true, cancel);
        await traffic.ProgressAsync(acknowledged: 200, collected: 20, cancel);
        for (var i = 0; i < Hosts; i++)
        {
            await fleet.StartAsync(program: null, cancel);
            var took = await fleet.StopOldestAsync();
            output.WriteLine($"A host has left in {took.TotalSeconds:F1} s; so far {traffic}.");
            await traffic.ProgressAsync(acknowledged: 100, collected: 10, cancel);
        }

        traffic.Stop();
        await running;

        Report(traffic, fleet);
        Assert.Empty(traffic.Failures);
        fleet.CheckBalancer();
        await traffic.VerifyAsync(fleet.Hosts[0], other, cancel);
        while (fleet.Hosts.Count > 0)
        {
            await fleet.StopOldestAsync(hurries: true);
        }

        var accounts = await AzureStores.OpenAsync([account.ConnectionString], service: AzureSettings.Service);
        var silos = await SiloStanding.ReadAsync(accounts, cancel);
        Assert.Equal(2 * Hosts, silos.Count);
        Assert.All(silos, silo => Assert.True(silo.HasLeft, $"{silo}"));
        Assert.Equal(0, await StoreCheck.RunAsync(accounts, traffic.Mailboxes, cancel));
    }

    /// <summary>What hosts that have ended warned of, where clients met with something.</summary>
    private void Report(Traffic traffic, Fleet fleet)
    {
        foreach (var failure in traffic.Failures.Concat(fleet.Balancer.Refused))
        {
            output.WriteLine(failure);
        }

        if (!traffic.Failures.IsEmpty)
        {
            foreach (var (name, log) in fleet.Logs)
            {
                output.WriteLine(string.Join('\n', log.Split('\n').Where(line => line.Contains(" warn: ", StringComparison.Ordinal)).Prepend(name)));
            }
        }
    }

    internal static Dictionary<string, string> Settings(DnsServer dns, MailServer other)
    {
        dns.Add(Traffic.OtherServer, DnsType.Mx, $"10 mx.{Traffic.OtherServer}");
        dns.Add($"mx.{Traffic.OtherServer}", DnsType.A, "127.0.0.1");
        return new()
        {
            ["MailGrains:Dns:Servers:0"] = dns.EndPoint.ToString(),
            ["MailGrains:Relay:Port"] = other.Port.ToString(CultureInfo.InvariantCulture),
            ["MailGrains:Relay:AllowPrivateDestinations"] = "true",
            ["MailGrains:Relay:MtaSts"] = "false",
            ["MailGrains:Smtp:RelayNetworks:0"] = "127.0.0.0/8",
            ["MailGrains:Smtp:RelayTenant"] = Traffic.Tenant,
        };
    }
}
