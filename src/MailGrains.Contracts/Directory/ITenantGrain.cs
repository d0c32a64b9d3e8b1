using System.Collections.Immutable;
using MailGrains.Contracts.Calls;
using MailGrains.Contracts.Senders;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// A tenant, and the one place where its domains, mailboxes and aliases are made and removed, so that two administrators never cross. Key:
/// <see cref="TenantName"/>. Every change raises the tenant's revision in the store; what it writes elsewhere carries the revision, so that a
/// stale activation's late write is refused there. A change that failed midway is repeated by its caller, and then goes to its end.
/// </summary>
[Alias("mailgrains.ITenantGrain")]
public interface ITenantGrain : IGrainWithStringKey
{
    /// <exception cref="StoreUnavailableException">Here and below: the change or question may be repeated.</exception>
    [Alias("Find"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<TenantRecord?> FindAsync(CancellationToken cancellationToken);

    [Alias("Put"), MayRepeat]
    ValueTask<PutOutcome> PutAsync(TenantSettings settings, CancellationToken cancellationToken);

    /// <summary>Removes the tenant; refused (<see cref="DeleteOutcome.NotEmpty"/>) while it has domains, or mail in its queues.</summary>
    [Alias("Delete")]
    ValueTask<DeleteOutcome> DeleteAsync(CancellationToken cancellationToken);

    [Alias("PutDomain"), MayRepeat]
    ValueTask<PutOutcome> PutDomainAsync(string domain, DomainSettings settings, CancellationToken cancellationToken);

    /// <summary>Removes the domain; refused while mailboxes or aliases of it exist.</summary>
    [Alias("DeleteDomain")]
    ValueTask<DeleteOutcome> DeleteDomainAsync(string domain, CancellationToken cancellationToken);

    [Alias("FindDomain"), MayRepeat]
    ValueTask<DomainRecord?> FindDomainAsync(string domain, CancellationToken cancellationToken);

    [Alias("PutMailbox"), MayRepeat]
    ValueTask<PutOutcome> PutMailboxAsync(AddressName address, MailboxSettings settings, CancellationToken cancellationToken);

    [Alias("DeleteMailbox")]
    ValueTask<DeleteOutcome> DeleteMailboxAsync(AddressName address, CancellationToken cancellationToken);

    [Alias("FindMailbox"), MayRepeat]
    ValueTask<MailboxRecord?> FindMailboxAsync(AddressName address, CancellationToken cancellationToken);

    [Alias("PutAlias"), MayRepeat]
    ValueTask<PutOutcome> PutAliasAsync(AddressName address, ImmutableArray<string> targets, CancellationToken cancellationToken);

    [Alias("DeleteAlias")]
    ValueTask<DeleteOutcome> DeleteAliasAsync(AddressName address, CancellationToken cancellationToken);

    [Alias("FindAlias"), MayRepeat]
    ValueTask<AddressRecord?> FindAliasAsync(AddressName address, CancellationToken cancellationToken);

    /// <summary>Names of one collection in order, after <paramref name="after"/> (exclusive; null: from the start).</summary>
    [Alias("List"), MayRepeat]
    ValueTask<DirectoryPage> ListAsync(DirectoryCollection collection, string? after, int limit, CancellationToken cancellationToken);
}

public enum DirectoryCollection
{
    Domains = 1,
    Mailboxes = 2,
    Aliases = 3,
}

/// <param name="Next">Pass as "after" for the next page; null at the end.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DirectoryPage")]
public sealed record DirectoryPage([property: Id(0)] ImmutableArray<string> Names, [property: Id(1)] string? Next)
{
    public const int MaxLimit = 1_000;
}

[GenerateSerializer, Immutable, Alias("mailgrains.TenantSettings")]
public sealed record TenantSettings([property: Id(0)] string? DisplayName)
{
    /// <summary>Null: no tokens are taken.</summary>
    [Id(1)]
    public OAuthIssuer? OAuth { get; init; }

    /// <summary>For the whole tenant; null: the service's default.</summary>
    [Id(2)]
    public SendingLimits? Limits { get; init; }

    /// <summary>The address that hears of mail without a sender, such as delivery reports, that could not be delivered; null: nobody.</summary>
    [Id(3)]
    public string? Postmaster { get; init; }
}

[GenerateSerializer, Immutable, Alias("mailgrains.TenantRecord")]
public sealed record TenantRecord([property: Id(0)] string Name, [property: Id(1)] TenantSettings Settings);

/// <param name="Password">Null: keep the present one (or, for a new mailbox, none: no login until one is set).</param>
/// <param name="QuotaBytes">0: no limit; null: keep, or the tenant's default.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.MailboxSettings")]
public sealed record MailboxSettings([property: Id(0)] string? Password, [property: Id(1)] long? QuotaBytes)
{
    /// <summary>What the account may do; null: keep, or the defaults.</summary>
    [Id(2)]
    public AccountSettings? Account { get; init; }

    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => $"{nameof(MailboxSettings)} {{ QuotaBytes = {QuotaBytes} }}";
}

[GenerateSerializer, Immutable, Alias("mailgrains.MailboxRecord")]
public sealed record MailboxRecord(
    [property: Id(0)] string Address, [property: Id(1)] Mailboxes.MailboxId Mailbox, [property: Id(2)] long QuotaBytes)
{
    /// <summary>False after a PUT or DELETE that failed midway, until it is repeated.</summary>
    [Id(3)]
    public bool Complete { get; init; } = true;

    [Id(4)]
    public AccountSettings Account { get; init; } = AccountSettings.Default;
}

/// <param name="Disabled">Nobody may log in; mail is still delivered.</param>
/// <param name="SendAs">Addresses that it may send as, beside its own and its aliases: exact, or <c>*@domain</c>, of domains of the tenant.</param>
/// <param name="Limits">Null: the service's default.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.AccountSettings")]
public sealed record AccountSettings(
    [property: Id(0)] bool Disabled, [property: Id(1)] ImmutableArray<string> SendAs, [property: Id(2)] SendingLimits? Limits)
{
    public const int MaxSendAs = 100;

    public static AccountSettings Default { get; } = new(false, [], null);
}

/// <summary>How a PUT ended; <see cref="Reason"/> is for people.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.PutOutcome")]
public sealed record PutOutcome([property: Id(0)] PutStatus Status, [property: Id(1)] string? Reason)
{
    public static PutOutcome Created { get; } = new(PutStatus.Created, null);

    public static PutOutcome Changed { get; } = new(PutStatus.Changed, null);
}

public enum PutStatus
{
    Created = 1,
    Changed = 2,

    /// <summary>The tenant or domain above it does not exist: 404.</summary>
    NoParent = 3,

    /// <summary>The name belongs to another tenant or kind: 409.</summary>
    Taken = 4,

    /// <summary>Malformed, an alias loop, a weak password: 400.</summary>
    Invalid = 5,
}

public enum DeleteOutcome
{
    Deleted = 1,
    NotFound = 2,

    /// <summary>Things below it exist: 409.</summary>
    NotEmpty = 3,
}
