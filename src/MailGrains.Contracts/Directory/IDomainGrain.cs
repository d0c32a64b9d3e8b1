namespace MailGrains.Contracts.Directory;

/// <summary>A mail domain: which tenant has it. Key: the name as A-labels in lower case.</summary>
[Alias("mailgrains.IDomainGrain")]
public interface IDomainGrain : IGrainWithStringKey
{
    /// <summary>The record, or null where the domain is not hosted here (confirmed by a read of the store).</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    [Alias("Find"), Orleans.Concurrency.AlwaysInterleave]
    ValueTask<DomainRecord?> FindAsync(CancellationToken cancellationToken);

    /// <summary>Gives the domain to a tenant, or changes its settings; null when another tenant has it.</summary>
    [Alias("Put")]
    ValueTask<DomainPut?> PutAsync(string tenant, DomainSettings settings, CancellationToken cancellationToken);

    /// <summary>Takes the domain from the tenant; false when the tenant has no such domain.</summary>
    [Alias("Delete")]
    ValueTask<bool> DeleteAsync(string tenant, CancellationToken cancellationToken);
}

/// <param name="Id">New each time that the domain is given to a tenant; never used again.</param>
/// <param name="Account">The storage account that the record was made in charge of.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DomainRecord")]
public sealed record DomainRecord(
    [property: Id(0)] string Id, [property: Id(1)] string Tenant, [property: Id(2)] int Account, [property: Id(3)] DomainSettings Settings);

/// <param name="CatchAll">The address that takes mail for unknown users of the domain, or null.</param>
/// <param name="Postmaster">The address that takes postmaster's mail where no record of its own does, or null: the tenant's first mailbox of the domain.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DomainSettings")]
public sealed record DomainSettings([property: Id(0)] string? CatchAll, [property: Id(1)] string? Postmaster);

[GenerateSerializer, Immutable, Alias("mailgrains.DomainPut")]
public sealed record DomainPut([property: Id(0)] DomainRecord Record, [property: Id(1)] bool Created);
