using System.Collections.Immutable;

namespace MailGrains.Grains.Relay.Routing;

public enum RouteAction
{
    /// <summary>Mail goes to the route's hosts.</summary>
    Relay = 0,

    /// <summary>Mail is thrown away; nobody is told.</summary>
    Discard = 1,

    /// <summary>Mail is returned with the route's reason.</summary>
    Reject = 2,

    /// <summary>Mail is kept until an operator releases it.</summary>
    Hold = 3,
}

public enum RouteTls
{
    /// <summary>None is tried.</summary>
    None = 0,

    /// <summary>Whatever the host offers.</summary>
    Opportunistic = 1,

    /// <summary>With any certificate.</summary>
    Required = 2,

    /// <summary>With a certificate of a known issuer for the host's name.</summary>
    Verified = 3,

    /// <summary>From the first octet (RFC 8314 §3), verified.</summary>
    Implicit = 4,
}

/// <summary>An operator's order for some mail, in place of MX.</summary>
/// <param name="Domain">Recipients' domain as A-labels; <c>*</c>: any; <c>*.x</c>: what is below x.</param>
public sealed record RelayRoute(string Domain)
{
    /// <summary>Whose mail; null: of all.</summary>
    public string? Tenant { get; init; }

    /// <summary>The reverse-path's domain as A-labels; null: any, and the null reverse-path.</summary>
    public string? Sender { get; init; }

    public RouteAction Action { get; init; }

    /// <summary>Names or addresses, tried in this order; with <see cref="RouteAction.Relay"/> one at least.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];

    public int Port { get; init; } = 25;

    public RouteTls Tls { get; init; } = RouteTls.Opportunistic;

    /// <summary>Null: no login.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>With <see cref="RouteAction.Reject"/> and <see cref="RouteAction.Hold"/>: what senders, or operators, read.</summary>
    public string? Reason { get; init; }

    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => $"{Tenant ?? "*"} {Sender ?? "*"} {Domain} {Action} {string.Join(',', Hosts)}:{Port}";
}
