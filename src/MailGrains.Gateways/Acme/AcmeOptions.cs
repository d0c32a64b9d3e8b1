using System.Net;

namespace MailGrains.Gateways.Acme;

/// <summary>Which authority, and for what; immutable.</summary>
public sealed record AcmeOptions
{
    /// <summary>The authority's directory; null: no certificates are ordered. Who sets it agrees to the authority's terms of service.</summary>
    public Uri? Directory { get; init; }

    /// <summary>The mail address that the authority may write to; null: none is given.</summary>
    public string? Contact { get; init; }

    /// <summary>The service's own names, the host name among them.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Where clients reach the service: tenants' names that lead there, and nowhere else, get certificates; empty: none of them.</summary>
    public IReadOnlyList<IPAddress> PublicAddresses { get; init; } = [];

    /// <summary>PEM of roots that are trusted in place of the system's when the authority is talked to; null: the system's.</summary>
    public string? TrustedRoot { get; init; }

    /// <summary>False: one of the service's that is not configured, or not any more.</summary>
    internal bool IsFor(CertificateKey key) => !key.IsService || Names.Contains(key.Name);

    /// <summary>From the start of a process until it has the first orders begun: the authority asks whoever clients are sent to, and that may take a while.</summary>
    public TimeSpan StartAfter { get; init; }

    /// <summary>Between two looks at all domains' names.</summary>
    public TimeSpan WalkPeriod { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long one run goes on with such a look; the next one goes on from there.</summary>
    public TimeSpan WalkLimit { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>How often what is due is ordered.</summary>
    public TimeSpan RunPeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Orders at a time.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>Orders of one run; the others wait for the next. Let's Encrypt takes 300 new orders of an account in three hours, which are 36 runs.</summary>
    public int MaxOrders { get; init; } = 8;

    /// <summary>Certificates that are kept: every gateway holds all of them.</summary>
    public int MaxCertificates { get; init; } = 10_000;
}
