using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Directory;

/// <summary>A mail domain: which tenant has it. Key: the name as A-labels in lower case.</summary>
[Alias("mailgrains.IDomainGrain")]
public interface IDomainGrain : IGrainWithStringKey
{
    /// <summary>The record, or null where the domain is not hosted here (confirmed by a read of the store).</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    [Alias("Find"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<DomainRecord?> FindAsync(CancellationToken cancellationToken);

    /// <summary>As <see cref="FindAsync"/>, but read from the store now: asked before anybody hears "no such user".</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    [Alias("Confirm"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<DomainRecord?> ConfirmAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Gives the domain to a tenant under a new id, or changes the settings of the one it has. Called by the tenant alone.
    /// </summary>
    /// <param name="revision">Of the tenant's change (see <see cref="ITenantGrain"/>); a lower one than the record's is refused.</param>
    [Alias("Put")]
    ValueTask<DirectoryWrite> PutAsync(DomainRecord record, long revision, CancellationToken cancellationToken);

    /// <summary>Takes the domain of that id from its tenant; a repeat does nothing.</summary>
    [Alias("Delete")]
    ValueTask<DirectoryWrite> DeleteAsync(string id, string tenant, long revision, CancellationToken cancellationToken);
}

/// <param name="Id">New each time that the domain is given to a tenant; never used again.</param>
/// <param name="Account">The storage account that the record was made in charge of.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DomainRecord")]
public sealed record DomainRecord(
    [property: Id(0)] string Id, [property: Id(1)] string Tenant, [property: Id(2)] int Account, [property: Id(3)] DomainSettings Settings);

/// <param name="CatchAll">The address that takes mail for unknown users of the domain, or null.</param>
/// <param name="Postmaster">The address that takes postmaster's mail where no record of its own does, or null: the tenant's first mailbox of the domain.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DomainSettings")]
public sealed record DomainSettings([property: Id(0)] string? CatchAll, [property: Id(1)] string? Postmaster)
{
    /// <summary>
    /// Mail for the domain, whatever the localpart, is kept in the tenant's queue until a better MX takes it; its mailboxes and aliases, where it has
    /// any, get none.
    /// </summary>
    [Id(2)]
    public bool BackupMx { get; init; }
}

/// <summary>How a change that a tenant orders ended at the grain that keeps the record.</summary>
public enum DirectoryWrite
{
    Written = 1,

    /// <summary>A later change of the tenant was there before: whoever ordered this one is a stale activation.</summary>
    Stale = 2,

    /// <summary>The name belongs to another tenant.</summary>
    Taken = 3,
}
