using System.Collections.Immutable;
using MailGrains.Grains.Relay.Destinations;

namespace MailGrains.Grains.Relay.Routing;

/// <summary>What is wanted of TLS by a message, beside what policies and routes say.</summary>
public enum TlsWish
{
    /// <summary>Nothing.</summary>
    AsPolicy = 0,

    /// <summary>REQUIRETLS (RFC 8689 §4.2.1): a verified server.</summary>
    Verified = 1,

    /// <summary>TLS-Required: No (RFC 8689 §4.2.2): no policy is to hold it up.</summary>
    Lifted = 2,
}

/// <summary>Messages with the same key can share connections.</summary>
/// <param name="Site">As <see cref="Contracts.Relay.DestinationKey"/> has it.</param>
/// <param name="Tenant">Where connections have source addresses of the tenant's own; else null.</param>
/// <param name="Tls">What the hosts are to show; empty where anything will do.</param>
public sealed record TargetKey(string Site, string? Tenant, TlsWish Wish, string Tls, RelayLogin Login);

/// <summary>What a route says of the connection itself.</summary>
/// <param name="IsImplicitTls">TLS from the first octet (RFC 8314 §3).</param>
/// <param name="User">Null: no login.</param>
public sealed record RelayLogin(bool IsImplicitTls, string? User, string? Password)
{
    public static RelayLogin None { get; } = new(false, null, null);

    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => User ?? "";
}

/// <summary>A server of a site.</summary>
/// <param name="Host">Its name, addresses, and what must hold of TLS.</param>
public sealed record TargetHost(DestinationHost Host, int Port);

/// <summary>Where some mail goes.</summary>
/// <param name="Domain">Whose servers these are: what TLS results are counted for.</param>
/// <param name="Hosts">In the order in which they are to be tried; one at least.</param>
public sealed record RelayTarget(TargetKey Key, string Domain, ImmutableArray<TargetHost> Hosts)
{
    /// <summary>The hosts are an operator's choice.</summary>
    public bool IsRoute { get; init; }

    /// <summary>Hosts that are named and can't be used now; for operators.</summary>
    public ImmutableArray<SkippedHost> Skipped { get; init; } = [];
}
