using MailGrains.Grains.Relay.Destinations;
using MailGrains.Testing.Dns;
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

    public DestinationLookup Lookup => _lookup ??= new DestinationLookup(Options with { DnsServers = [Dns.EndPoint] }, Time);

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

    /// <summary>A domain with one mail server at 192.0.2.1.</summary>
    public void AddDomain(string domain)
    {
        Dns.Add(domain, DnsType.Mx, $"10 mx.{domain}");
        Dns.Add($"mx.{domain}", DnsType.A, "192.0.2.1");
    }

    public ValueTask DisposeAsync() => Dns.DisposeAsync();
}
