using System.Net;

namespace MailGrains.Messages.Dns;

/// <summary>Whom to ask, and how; immutable.</summary>
public sealed record DnsResolverOptions
{
    /// <summary>Resolvers; empty: those of the system.</summary>
    public IReadOnlyList<IPEndPoint> Servers { get; init; } = [];

    /// <summary>The resolvers validate, and nobody stands between: what they say of DNSSEC counts, and is asked for.</summary>
    public bool TrustsAuthenticatedData { get; init; }

    /// <summary>A lost datagram is sent again after this time, twice.</summary>
    public TimeSpan RepeatAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Questions that may wait at a time: one more counts as failed at once.</summary>
    public int MaxWaiting { get; init; } = 512;
}
