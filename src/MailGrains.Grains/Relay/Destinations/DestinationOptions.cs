using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>How it is found out where mail goes, and with which TLS; immutable.</summary>
public sealed record DestinationOptions
{
    /// <summary>Resolvers; empty: those of the system.</summary>
    public IReadOnlyList<IPEndPoint> DnsServers { get; init; } = [];

    /// <summary>The resolvers validate DNSSEC, and nobody stands between: what they say of it counts, and with it DANE.</summary>
    public bool TrustAuthenticatedData { get; init; }

    /// <summary>Our names in MX records, as A-labels: mail never goes to a host of our own preference or worse.</summary>
    public IReadOnlyList<string> OwnHostNames { get; init; } = [];

    /// <summary>IPv6 first, as RFC 6724 has it, or IPv4.</summary>
    public bool PreferIPv6 { get; init; } = true;

    /// <summary>
    /// MX records may lead to this machine. Off, since anybody's may, and mail would go round, or to a server that takes this machine for its friend. Hosts that a
    /// route names may in any case.
    /// </summary>
    public bool AllowLoopback { get; init; }

    /// <summary>Where other servers listen; 25 but in tests.</summary>
    public int Port { get; init; } = 25;

    /// <summary>For one question, repeats included.</summary>
    public TimeSpan LookupLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Answers that are kept; the one that was asked for longest ago goes.</summary>
    public int KnownAnswers { get; init; } = 20_000;

    /// <summary>An answer is kept so long, whatever it says.</summary>
    public TimeSpan MinTimeToLive { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan MaxTimeToLive { get; init; } = TimeSpan.FromDays(1);

    /// <summary>An absence, and a failure (those for <see cref="MinTimeToLive"/>), is kept no longer: somebody may be mending it.</summary>
    public TimeSpan MaxNegativeTimeToLive { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Whether MTA-STS policies (RFC 8461) are looked for.</summary>
    public bool StsPolicies { get; init; } = true;

    /// <summary>Where policies are fetched; 443 but in tests.</summary>
    public int PolicyPort { get; init; } = 443;

    /// <summary>Networks that policies are fetched from although they are not public.</summary>
    public IReadOnlyList<IPNetwork> PolicyNetworks { get; init; } = [];

    /// <summary>Roots that certificates of policy hosts and mail servers must lead to; null: the system's.</summary>
    public X509Certificate2Collection? Roots { get; init; }

    /// <summary>How often counts of TLS results are written.</summary>
    public TimeSpan ReportPeriod { get; init; } = TimeSpan.FromMinutes(10);
}
