using System.Collections.Immutable;
using MailGrains.Contracts.Calls;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// What one address means. Key: <see cref="AddressName.ToString"/>. Holds its own record only and asks the base address and the domain each
/// time, so a change elsewhere is seen at once; "no such user" is always confirmed by a read of the store.
/// </summary>
[Alias("mailgrains.IAddressGrain")]
public interface IAddressGrain : IGrainWithStringKey
{
    /// <summary>
    /// Resolves one step: exact, then without the subaddress, then <c>postmaster</c>, then the domain's catch-all. The targets of an alias are
    /// not resolved further: the caller does that, since it sees loops.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now: 451 to a client, never "no such user".</exception>
    [Alias("Resolve"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<AddressResolution> ResolveAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The address's own record, or null; whether it counts is for the caller to see, by <see cref="AddressRecord.DomainId"/>.
    /// </summary>
    /// <param name="confirm">Read the store now, whatever is known.</param>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    [Alias("Find"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<AddressRecord?> FindAsync(bool confirm, CancellationToken cancellationToken);

    /// <summary>
    /// Writes the record, whatever was there: the tenant alone knows what its addresses are. Refused where the domain has another id now.
    /// </summary>
    /// <param name="revision">Of the tenant's change (see <see cref="ITenantGrain"/>); a lower one than the record's is refused.</param>
    [Alias("Put")]
    ValueTask<DirectoryWrite> PutAsync(AddressRecord record, long revision, CancellationToken cancellationToken);

    /// <summary>Removes the record that the domain of that id has here; a repeat does nothing.</summary>
    [Alias("Delete")]
    ValueTask<DirectoryWrite> DeleteAsync(string domainId, long revision, CancellationToken cancellationToken);
}

public enum AddressKind
{
    /// <summary>A hosted domain without such a user.</summary>
    NoSuchUser = 0,

    /// <summary>The domain is not hosted here.</summary>
    NotLocal = 1,

    Mailbox = 2,

    Alias = 3,

    /// <summary>Of a domain that is hosted, but whose mail is kept for a better MX (<see cref="DomainSettings.BackupMx"/>).</summary>
    BackupMx = 4,
}

/// <param name="Mailbox">With <see cref="AddressKind.Mailbox"/>.</param>
/// <param name="Targets">With <see cref="AddressKind.Alias"/>: addresses.</param>
/// <param name="Detail">The subaddress that led here, or empty.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.AddressResolution")]
public sealed record AddressResolution(
    [property: Id(0)] AddressKind Kind, [property: Id(1)] MailboxId Mailbox, [property: Id(2)] ImmutableArray<string> Targets,
    [property: Id(3)] string Detail)
{
    /// <summary>With <see cref="AddressKind.Alias"/> and <see cref="AddressKind.BackupMx"/>: who has it.</summary>
    [Id(4)]
    public string? Tenant { get; init; }

    public static AddressResolution Of(AddressKind kind) => new(kind, default, [], "");
}

/// <summary>An address's stored record. It counts only while <see cref="DomainId"/> is the id of the domain's record.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.AddressRecord")]
public sealed record AddressRecord(
    [property: Id(0)] string DomainId, [property: Id(1)] string Tenant, [property: Id(2)] AddressKind Kind, [property: Id(3)] MailboxId Mailbox,
    [property: Id(4)] ImmutableArray<string> Targets);
