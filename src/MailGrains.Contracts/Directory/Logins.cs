using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Senders;

namespace MailGrains.Contracts.Directory;

/// <summary>Who tries to log in, as far as that counts for lock-outs.</summary>
/// <param name="Peer">The client's address as text; IPv6: its /64, as <c>2001:db8::/64</c>.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.LoginAttempt")]
public sealed record LoginAttempt([property: Id(0)] AccessScope Scope, [property: Id(1)] string Peer);

public enum LoginStatus
{
    Accepted = 1,

    /// <summary>Unknown account, wrong secret, or an app password that is not for this; nobody outside learns which.</summary>
    BadCredentials = 2,

    /// <summary>Too many failures; whether the secret was right is not said.</summary>
    Locked = 3,

    /// <summary>The secret was right, but an operator has disabled the account.</summary>
    Disabled = 4,
}

/// <summary>The account that a login opens.</summary>
/// <param name="AppPassword">The id of the app password that was used; null: the account's own secret.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.LoginAccount")]
public sealed record LoginAccount(
    [property: Id(0)] string Tenant, [property: Id(1)] string Address, [property: Id(2)] MailboxId Mailbox, [property: Id(3)] string? AppPassword);

/// <param name="Account">With <see cref="LoginStatus.Accepted"/> only.</param>
/// <param name="LockedUntil">With <see cref="LoginStatus.Locked"/>.</param>
/// <param name="Delay">How long the client is to wait for its answer: the more failures, the longer.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.LoginOutcome")]
public sealed record LoginOutcome(
    [property: Id(0)] LoginStatus Status, [property: Id(1)] LoginAccount? Account, [property: Id(2)] DateTimeOffset? LockedUntil,
    [property: Id(3)] TimeSpan Delay)
{
    public static LoginOutcome Accept(LoginAccount account) => new(LoginStatus.Accepted, account, null, TimeSpan.Zero);

    public static LoginOutcome Refuse(LoginStatus status, TimeSpan delay = default, DateTimeOffset? lockedUntil = null) =>
        new(status, null, lockedUntil, delay);
}

/// <summary>The hash of a SCRAM mechanism (RFC 5802, RFC 7677).</summary>
public enum ScramDigest
{
    Sha1 = 1,
    Sha256 = 2,
}

/// <summary>What a client needs to make a proof; made up, and always the same, for an account that is not there.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.ScramParameters")]
public sealed record ScramParameters([property: Id(0)] byte[] Salt, [property: Id(1)] int Iterations);

/// <param name="ServerSignature">Empty where the login was not accepted.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.ScramOutcome")]
public sealed record ScramOutcome([property: Id(0)] LoginOutcome Login, [property: Id(1)] byte[] ServerSignature);

/// <summary>What an operator reads of an account's or an address's failures.</summary>
/// <param name="Failures">In the present window.</param>
/// <param name="LockedUntil">Null: not locked.</param>
/// <param name="LastPeer">Where the last failure came from, or null.</param>
/// <param name="Reason">A sentence; null: not locked.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.LockoutState")]
public sealed record LockoutState(
    [property: Id(0)] int Failures, [property: Id(1)] DateTimeOffset? LockedUntil, [property: Id(2)] string? LastPeer, [property: Id(3)] string? Reason);

/// <summary>What an account may send as, and how much.</summary>
/// <param name="SendAs">Addresses beside its own and its aliases: exact, or <c>*@domain</c>.</param>
/// <param name="Limits">Null: the service's default.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.SenderRights")]
public sealed record SenderRights(
    [property: Id(0)] ImmutableArray<string> SendAs, [property: Id(1)] SendingLimits? Limits);
