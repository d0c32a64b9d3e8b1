using MailGrains.Contracts.Directory;
using MailGrains.Storage;

namespace MailGrains.Grains.Directory;

/// <summary>How a tenant gets, changes and gives up domains.</summary>
internal sealed class DomainChanges(IGrainFactory grains, StorageAccounts accounts)
{
    public static async ValueTask<DomainRecord?> FindAsync(
        TenantPartition partition, string tenant, string domain, CancellationToken cancellationToken) =>
        AddressName.TryNormalizeDomain(domain, out var name) &&
        await partition.ReadAsync(TenantPartition.DomainRow(name), StoredJson.Readable.DomainEntry, cancellationToken) is { } entry
            ? RecordOf(tenant, entry.Value)
            : null;

    public async ValueTask<PutOutcome> PutAsync(TenantChange change, string domain, DomainSettings settings, CancellationToken cancellationToken)
    {
        if (!AddressName.TryNormalizeDomain(domain, out var name))
        {
            return new PutOutcome(PutStatus.Invalid, "This is no domain name.");
        }

        if (!TryNormalizeTarget(settings.CatchAll, out var catchAll) || !TryNormalizeTarget(settings.Postmaster, out var postmaster))
        {
            return new PutOutcome(PutStatus.Invalid, "Catch-all and postmaster are addresses.");
        }

        if (change.Live is null)
        {
            return new PutOutcome(PutStatus.NoParent, "There is no such tenant.");
        }

        var (row, type, grain) = (TenantPartition.DomainRow(name), StoredJson.Readable.DomainEntry, grains.GetGrain<IDomainGrain>(name));
        var before = await change.Partition.ReadAsync(row, type, cancellationToken);
        if (before is null && await grain.ConfirmAsync(cancellationToken) is { } holder && holder.Tenant != change.Tenant)
        {
            return Taken;
        }

        if (before is { Value.State: EntryState.Deleting })
        {
            change.Require(await grain.DeleteAsync(before.Value.Id, change.Tenant, change.Revision, CancellationToken.None));
        }

        var wanted = before is null or { Value.State: EntryState.Deleting }
            ? new DomainEntry(EntryState.Creating, Guid.CreateVersion7().ToString("n"), accounts.ForNewOwner(name).Number, catchAll, postmaster, settings.BackupMx)
            : before.Value with
            {
                State = before.Value.State == EntryState.Creating ? EntryState.Creating : EntryState.Changing,
                CatchAll = catchAll,
                Postmaster = postmaster,
                BackupMx = settings.BackupMx,
            };
        var entry = await change.CommitAsync(row, before, wanted, type);
        var write = await grain.PutAsync(RecordOf(change.Tenant, wanted), change.Revision, CancellationToken.None);
        change.Require(write);
        if (write == DirectoryWrite.Taken)
        {
            await change.CommitAsync(row, entry, null, type);
            return Taken;
        }

        await change.CommitAsync(row, entry, wanted with { State = EntryState.Ready }, type);
        return wanted.State == EntryState.Creating ? PutOutcome.Created : PutOutcome.Changed;
    }

    public async ValueTask<DeleteOutcome> DeleteAsync(TenantChange change, string domain, CancellationToken cancellationToken)
    {
        var type = StoredJson.Readable.DomainEntry;
        if (!AddressName.TryNormalizeDomain(domain, out var name) || change.Live is null ||
            await change.Partition.ReadAsync(TenantPartition.DomainRow(name), type, cancellationToken) is not { } before)
        {
            return DeleteOutcome.NotFound;
        }

        if (await change.Partition.HasAddressesAsync(name, cancellationToken))
        {
            return DeleteOutcome.NotEmpty;
        }

        var row = TenantPartition.DomainRow(name);
        var entry = await change.CommitAsync(row, before, before.Value with { State = EntryState.Deleting }, type);
        change.Require(await grains.GetGrain<IDomainGrain>(name).DeleteAsync(before.Value.Id, change.Tenant, change.Revision, CancellationToken.None));
        await change.CommitAsync(row, entry, null, type);
        return DeleteOutcome.Deleted;
    }

    /// <summary>
    /// The domain that an address is to be made in, or why it can't be. The read is good for the whole change: its first commit fails when the
    /// tenant was changed since.
    /// </summary>
    public static async ValueTask<(DomainEntry? Domain, PutOutcome? Refusal)> RequireAsync(
        TenantChange change, string domain, CancellationToken cancellationToken)
    {
        if (change.Live is null)
        {
            return (null, new PutOutcome(PutStatus.NoParent, "There is no such tenant."));
        }

        var entry = await change.Partition.ReadAsync(TenantPartition.DomainRow(domain), StoredJson.Readable.DomainEntry, cancellationToken);
        return entry?.Value switch
        {
            null => (null, new PutOutcome(PutStatus.NoParent, "The tenant has no such domain.")),
            { State: EntryState.Creating or EntryState.Deleting } =>
                (null, new PutOutcome(PutStatus.NoParent, "The domain's PUT or DELETE did not come to its end; repeat it.")),
            { } ready => (ready, null),
        };
    }

    private static PutOutcome Taken => new(PutStatus.Taken, "Another tenant has the domain.");

    private static DomainRecord RecordOf(string tenant, DomainEntry entry) =>
        new(entry.Id, tenant, entry.Account, entry.Settings);

    private static bool TryNormalizeTarget(string? text, out string? target)
    {
        target = null;
        return text is null || TargetAddress.TryNormalize(text, out target);
    }
}
