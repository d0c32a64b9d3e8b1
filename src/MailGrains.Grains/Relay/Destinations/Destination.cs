using System.Collections.Immutable;
using System.Net;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>Where mail for a domain goes: hosts in the order in which they are to be tried, or a reason why there are none.</summary>
/// <param name="Domain">As A-labels, or an address literal; of a route, the host that it names.</param>
/// <param name="Hosts">At least one, unless there is a <see cref="Failure"/>.</param>
public sealed record Destination(string Domain, ImmutableArray<DestinationHost> Hosts)
{
    /// <summary>Hosts that are named and can't be used now, and why; for operators.</summary>
    public ImmutableArray<SkippedHost> Skipped { get; init; } = [];

    public DestinationFailure? Failure { get; init; }

    internal static Destination Failed(string domain, DestinationFailure failure) => new(domain, []) { Failure = failure };
}

/// <param name="Name">A host name, or an address literal.</param>
/// <param name="Preference">Of its MX; 0 without one.</param>
/// <param name="Addresses">In the order in which they are to be tried; at least one; IPv4 is never mapped into IPv6.</param>
public sealed record DestinationHost(string Name, int Preference, ImmutableArray<IPAddress> Addresses, TlsRequirement Tls)
{
    /// <summary>
    /// DNSSEC, or an enforced MTA-STS policy, says that the domain's mail goes to this name: a certificate for the name is one for the domain, as REQUIRETLS
    /// wants it (RFC 8689 §4.2.1).
    /// </summary>
    public bool IsNameProven { get; init; }
}

/// <param name="Name">A host name, escaped where it is none.</param>
public sealed record SkippedHost(string Name, int Preference, string Reason)
{
    /// <summary>What keeps mail from it may pass.</summary>
    public bool MayComeBack { get; init; }
}

public enum DestinationFault
{
    /// <summary>It does not exist, has no address, or is no domain name.</summary>
    NoSuchDomain = 1,

    /// <summary>RFC 7505: it does not take mail.</summary>
    NullMx = 2,

    /// <summary>There are MX records, and none leads anywhere.</summary>
    NoHosts = 3,

    /// <summary>
    /// All that is left are hosts of our own preference or worse. The failure is permanent; for a domain that we are a backup of,
    /// <see cref="DestinationFailure.AsTemporary"/> is what is meant.
    /// </summary>
    LoopsBack = 4,

    /// <summary>DNS does not answer as it should.</summary>
    Dns = 5,

    /// <summary>There are hosts, and a policy on TLS keeps mail from all of them.</summary>
    TlsPolicy = 6,

    /// <summary>The store can't be asked for the policy on TLS.</summary>
    Store = 7,
}

/// <param name="Code">A reply's code: 4yz or 5yz.</param>
/// <param name="Enhanced">Such as <c>5.1.2</c>.</param>
/// <param name="Text">One line of printable ASCII, made of the names asked for and our own words.</param>
public sealed record DestinationFailure(DestinationFault Fault, int Code, string Enhanced, string Text)
{
    public bool IsPermanent => Code >= 500;

    public DestinationFailure AsTemporary() => IsPermanent ? this with { Code = 451, Enhanced = "4" + Enhanced[1..] } : this;

    internal static DestinationFailure NoSuchDomain(string domain) =>
        new(DestinationFault.NoSuchDomain, 550, "5.1.2", $"The domain {domain} does not exist");

    internal static DestinationFailure NoAddress(string domain) =>
        new(DestinationFault.NoSuchDomain, 550, "5.1.2", $"The domain {domain} has neither a mail server nor an address that mail can be sent to");

    internal static DestinationFailure NotADomain { get; } = new(DestinationFault.NoSuchDomain, 550, "5.1.2", "That is no domain name");

    // RFC 7505 §4.1
    internal static DestinationFailure NullMx(string domain) =>
        new(DestinationFault.NullMx, 556, "5.1.10", $"The domain {domain} says that it takes no mail (null MX)");

    internal static DestinationFailure NoHosts(string domain) =>
        new(DestinationFault.NoHosts, 550, "5.4.4", $"None of the mail servers of {domain} has an address that mail can be sent to");

    internal static DestinationFailure LoopsBack(string domain) =>
        new(DestinationFault.LoopsBack, 554, "5.4.6", $"Mail for {domain} loops back to this server");

    // RFC 3463 §3.5: X.4.3, directory server failure.
    internal static DestinationFailure Dns(string what, string why) =>
        new(DestinationFault.Dns, 451, "4.4.3", $"DNS can't be asked for {what} now: {why}");

    internal static DestinationFailure StsMismatch(string domain) =>
        new(DestinationFault.TlsPolicy, 451, "4.7.5", $"The MTA-STS policy of {domain} names none of its mail servers");

    internal static DestinationFailure DaneUnknown(string domain) =>
        new(DestinationFault.TlsPolicy, 451, "4.7.5", $"DNS can't be asked now which certificates the mail servers of {domain} have");

    internal static DestinationFailure PolicyUnread(string domain) =>
        new(DestinationFault.Store, 451, "4.3.0", $"The policy on TLS of {domain} can't be read now");
}
