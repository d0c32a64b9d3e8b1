using System.Collections.Immutable;
using MailGrains.Contracts.Calls;
using MailGrains.Contracts.Queues;

namespace MailGrains.Contracts.Relay;

/// <summary>Says what a sender would do with mail now, and sends nothing; a stateless worker on silos of the role <c>relay</c>, key 0.</summary>
[Alias("mailgrains.IRouteGrain")]
public interface IRouteGrain : IGrainWithIntegerKey
{
    /// <param name="queue">Whose mail, and for which domain. An empty tenant: nobody's in particular.</param>
    /// <param name="reversePath">Without angle brackets; empty: the null reverse-path.</param>
    /// <param name="order">An operator's route for the queue; null: there is none.</param>
    [Alias("Find"), MayRepeat, ResponseTimeout("00:01:00")]
    ValueTask<RouteFacts> FindAsync(QueueId queue, string reversePath, QueueRoute? order, CancellationToken cancellationToken);
}

public enum RouteOrigin
{
    /// <summary>DNS says where mail goes.</summary>
    Dns = 1,

    /// <summary>A configured route does.</summary>
    Configured = 2,

    /// <summary>An operator's order for the queue does.</summary>
    Ordered = 3,
}

/// <summary>Where mail would go. Texts are for operators.</summary>
/// <param name="Hosts">In the order in which they would be tried.</param>
/// <param name="Skipped">Hosts that are named and can't be used now.</param>
/// <param name="Limits">The site's, one for each source address that is used; empty where there is no site, or it can't be asked now.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RouteFacts")]
public sealed record RouteFacts(
    [property: Id(0)] RouteOrigin Origin, [property: Id(1)] ImmutableArray<RouteHost> Hosts, [property: Id(2)] ImmutableArray<SkippedRouteHost> Skipped,
    [property: Id(3)] ImmutableArray<DestinationState> Limits)
{
    /// <summary>The configured route.</summary>
    [Id(4)]
    public RouteRule? Rule { get; init; }

    /// <summary>Why there is no host.</summary>
    [Id(5)]
    public RouteFailure? Failure { get; init; }
}

/// <param name="Preference">Of its MX; 0 without one.</param>
/// <param name="Tls">What it must show: none, opportunistic, required, pkix or dane.</param>
/// <param name="Names">Of which its certificate must hold one.</param>
/// <param name="Policy">Where that comes from: tlsa or sts; null: from nobody's policy.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RouteHost")]
public sealed record RouteHost(
    [property: Id(0)] string Name, [property: Id(1)] int Port, [property: Id(2)] int Preference, [property: Id(3)] ImmutableArray<string> Addresses,
    [property: Id(4)] string Tls, [property: Id(5)] ImmutableArray<string> Names, [property: Id(6)] string? Policy)
{
    /// <summary>A policy in testing mode: what is wrong with the certificate is counted, and mail is sent all the same.</summary>
    [Id(7)]
    public bool IsTested { get; init; }

    /// <summary>DNSSEC, an enforced policy or a route says that mail goes to this name, as REQUIRETLS (RFC 8689) wants it.</summary>
    [Id(8)]
    public bool IsNameProven { get; init; }
}

[GenerateSerializer, Immutable, Alias("mailgrains.SkippedRouteHost")]
public sealed record SkippedRouteHost([property: Id(0)] string Name, [property: Id(1)] int Preference, [property: Id(2)] string Reason);

/// <param name="Code">A reply's code: with 4yz mail waits, with 5yz it is returned.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RouteFailure")]
public sealed record RouteFailure([property: Id(0)] int Code, [property: Id(1)] string Enhanced, [property: Id(2)] string Text);

/// <summary>A configured route.</summary>
/// <param name="Domain">Recipients' domain; <c>*</c>: any; <c>*.x</c>: what is below x.</param>
/// <param name="Tenant">Null: all.</param>
/// <param name="Sender">The reverse-path's domain; null: any.</param>
/// <param name="Action">relay, discard, reject or hold.</param>
/// <param name="User">Whose login is shown; null: nobody's.</param>
/// <param name="Reason">With reject and hold.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RouteRule")]
public sealed record RouteRule(
    [property: Id(0)] string Domain, [property: Id(1)] string? Tenant, [property: Id(2)] string? Sender, [property: Id(3)] string Action,
    [property: Id(4)] string? User, [property: Id(5)] string? Reason);
