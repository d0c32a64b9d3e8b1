using System.Net;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Grains.Relay.Destinations.Reports;
using MailGrains.Storage;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Grains.Tests.Relay.Destinations;

/// <summary>Lookups against a DNS server of the test's own.</summary>
internal sealed class LookupHarness : IAsyncDisposable
{
    private DestinationLookup? _lookup;

    public DnsServer Dns { get; } = DnsServer.Start();

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    /// <summary>Changed before the first lookup.</summary>
    public DestinationOptions Options { get; set; } = new() { StsPolicies = false };

    public TlsReports Reports => field ??= new TlsReports(Time);

    public FaultingTableStore? Tables { get; private set; }

    /// <summary>Without a store, nothing that needs one may be asked for.</summary>
    public StorageAccounts Accounts { get; private set; } = new([new StorageAccount(0, null!, null!)], null!);

    public DestinationLookup Lookup => _lookup ??= Open();

    /// <summary>Looks for policies at a server on loopback, and keeps them in a store.</summary>
    public void UsePolicies(PolicyServer server, StoreFixture store)
    {
        UseStore(store);
        Options = Options with
        {
            StsPolicies = true,
            PolicyPort = server.Port,
            PolicyNetworks = [IPNetwork.Parse("127.0.0.0/8")],
            Roots = server.Authority.Roots,
        };
    }

    public void UseStore(StoreFixture store)
    {
        Tables = new FaultingTableStore(store.Tables);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, store.Blobs)], Tables);
    }

    /// <summary>A silo that knows only what the store does.</summary>
    public void Restart()
    {
        _lookup?.Dispose();
        _lookup = null;
    }

    public Task<Destination> FindAsync(string domain) => Lookup.FindAsync(domain, TestContext.Current.CancellationToken);

    /// <summary>The names of the hosts, in order.</summary>
    public async Task<string> NamesAsync(string domain) => string.Join(' ', (await FindAsync(domain)).Hosts.Select(host => host.Name));

    /// <summary><c>permanent 550 5.1.2</c>.</summary>
    public async Task<string> FailureAsync(string domain)
    {
        var destination = await FindAsync(domain);
        Assert.Empty(destination.Hosts);
        return Text(destination.Failure);
    }

    public static string Text(DestinationFailure? failure) =>
        $"{(failure!.IsPermanent ? "permanent" : "temporary")} {failure.Code} {failure.Enhanced} {failure.Fault}";

    /// <summary>What was counted since the last time: <c>Sts validation-failure mx.test 1</c>.</summary>
    public IReadOnlyList<string> TakeFailures() =>
        [.. Reports.TakeChanged().SelectMany(c => c.Failures.Select(f => $"{c.Policy.Type} {f.Result.ReportName()} {f.Host ?? "-"} {f.Sessions}")).Order()];

    /// <summary>A domain with one mail server at 192.0.2.1.</summary>
    public void AddDomain(string domain)
    {
        Dns.Add(domain, DnsType.Mx, $"10 mx.{domain}");
        Dns.Add($"mx.{domain}", DnsType.A, "192.0.2.1");
    }

    public async ValueTask DisposeAsync()
    {
        Restart();
        await Dns.DisposeAsync();
    }

    private DestinationLookup Open() => new(Options with { DnsServers = [Dns.EndPoint] }, Accounts, Reports, Time, NullLoggerFactory.Instance);
}
