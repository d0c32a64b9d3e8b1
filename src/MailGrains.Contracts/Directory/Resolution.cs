using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Directory;

/// <summary>A local mailbox that a recipient leads to. <see cref="Detail"/>: the subaddress (RFC 5233), or empty.</summary>
public readonly record struct LocalTarget(MailboxId Mailbox, string Detail);

/// <summary>An address at another server that a recipient leads to.</summary>
/// <param name="Tenant">
/// Whose queue takes its mail: the tenant of the alias that leads there, or of the backup-MX domain. Null where the address itself is not hosted here:
/// the tenant of whoever may relay.
/// </param>
/// <param name="Domain">A-labels in lower case.</param>
/// <param name="Member">The address as the alias has it; null: the one that was asked for.</param>
public readonly record struct RemoteTarget(string? Tenant, string Domain, string? Member);

public enum ResolutionOutcome
{
    Resolved = 1,

    /// <summary>The domain is hosted here, the user is not known: 550 5.1.1.</summary>
    NoSuchUser = 2,

    /// <summary>The domain is not hosted here: <see cref="Resolution.Remotes"/> is the address itself, for those who may relay; else 550 5.7.1.</summary>
    NotLocal = 3,

    /// <summary>The list leads to itself alone: 550 5.4.6.</summary>
    Loop = 4,

    /// <summary>The list has more members, or is nested deeper, than is followed: 550 5.7.1 would be a lie, so 451 4.3.5.</summary>
    TooLarge = 5,
}

/// <summary>What an address means in the end: mailboxes here, and addresses elsewhere.</summary>
public sealed record Resolution(ResolutionOutcome Outcome, IReadOnlyList<LocalTarget> Targets)
{
    public IReadOnlyList<RemoteTarget> Remotes { get; init; } = [];

    /// <summary>The address is one mailbox's own, not a name that leads to it, such as a list's, a catch-all's or postmaster's.</summary>
    public bool IsOwn { get; init; }

    public static Resolution Of(ResolutionOutcome outcome) => new(outcome, []);

    /// <summary>An address whose mail goes to another server.</summary>
    /// <param name="tenant">That of a backup-MX domain; null: the domain is not hosted here.</param>
    public static Resolution Elsewhere(string domain, string? tenant) =>
        new(tenant is null ? ResolutionOutcome.NotLocal : ResolutionOutcome.Resolved, []) { Remotes = [new RemoteTarget(tenant, domain, null)] };
}
