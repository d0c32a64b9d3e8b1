using System.Net;
using MailGrains.Gateways.Connections.Lookups;

namespace MailGrains.Gateways.Connections;

/// <summary>Who may connect, and how much of it; immutable.</summary>
public sealed record ConnectionOptions
{
    /// <summary>Free of budgets, look-ups and delays.</summary>
    public NetworkList TrustedNetworks { get; init; } = NetworkList.Loopback;

    /// <summary>May send to other servers on port 25 without a login: application servers.</summary>
    public NetworkList RelayNetworks { get; init; } = NetworkList.None;

    /// <summary>Proxies, whose connections start with a PROXY header; from anywhere else such a header means nothing.</summary>
    public NetworkList ProxyNetworks { get; init; } = NetworkList.None;

    /// <summary>Whether clients' addresses are looked up in DNS.</summary>
    public bool ReverseNames { get; init; } = true;

    public IReadOnlyList<DnsblZone> DnsblZones { get; init; } = [];

    /// <summary>Resolvers; empty: those of the system.</summary>
    public IReadOnlyList<IPEndPoint> DnsServers { get; init; } = [];

    public AddressLimits Limits { get; init; } = new();
}

/// <summary>For one address (IPv6: one /64); 0: no limit. What is counted by the minute may come in one burst.</summary>
public sealed record AddressLimits
{
    /// <summary>Open at a time, all protocols together.</summary>
    public int Connections { get; init; } = 50;

    public int NewConnectionsPerMinute { get; init; } = 120;

    public int MessagesPerMinute { get; init; } = 300;

    public int RecipientsPerMinute { get; init; } = 1_000;

    /// <summary>RCPT that names nobody: a list of addresses is being tried.</summary>
    public int FailedRecipientsPerMinute { get; init; } = 30;
}
