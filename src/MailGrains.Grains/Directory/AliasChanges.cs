using System.Collections.Immutable;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>How a tenant makes, changes and deletes aliases.</summary>
internal sealed class AliasChanges(IGrainFactory grains)
{
    private const int MaxTargets = 100;

    public static async ValueTask<AddressRecord?> FindAsync(
        TenantPartition partition, string tenant, AddressName address, CancellationToken cancellationToken) =>
        await partition.ReadAsync(TenantPartition.AliasRow(address), StoredJson.Readable.AliasEntry, cancellationToken) is { } entry
            ? RecordOf(tenant, entry.Value)
            : null;

    public async ValueTask<PutOutcome> PutAsync(
        TenantChange change, AddressName address, ImmutableArray<string> targets, CancellationToken cancellationToken)
    {
        var (addresses, refusal) = Normalize(targets);
        if (refusal is not null)
        {
            return refusal;
        }

        (var domain, refusal) = await DomainChanges.RequireAsync(change, address.Domain, cancellationToken);
        if (domain is null)
        {
            return refusal!;
        }

        if (await change.Partition.ReadAsync(TenantPartition.MailboxRow(address), StoredJson.Readable.MailboxEntry, cancellationToken) is not null)
        {
            return new PutOutcome(PutStatus.Taken, "The address is a mailbox.");
        }

        if (await new AliasWalk(grains, address).ViolationAsync(addresses, cancellationToken) is { } violation)
        {
            return new PutOutcome(PutStatus.Invalid, violation);
        }

        var (row, type) = (TenantPartition.AliasRow(address), StoredJson.Readable.AliasEntry);
        var before = await change.Partition.ReadAsync(row, type, cancellationToken);
        var wanted = new AliasEntry(
            before is null or { Value.State: EntryState.Creating or EntryState.Deleting } ? EntryState.Creating : EntryState.Changing,
            domain.Id,
            addresses);
        var entry = await change.CommitAsync(row, before, wanted, type);
        change.Require(
            await grains.GetGrain<IAddressGrain>(address.ToString()).PutAsync(RecordOf(change.Tenant, wanted), change.Revision, CancellationToken.None));
        await change.CommitAsync(row, entry, wanted with { State = EntryState.Ready }, type);
        return wanted.State == EntryState.Creating ? PutOutcome.Created : PutOutcome.Changed;
    }

    public async ValueTask<DeleteOutcome> DeleteAsync(TenantChange change, AddressName address, CancellationToken cancellationToken)
    {
        var (row, type) = (TenantPartition.AliasRow(address), StoredJson.Readable.AliasEntry);
        if (change.Live is null || await change.Partition.ReadAsync(row, type, cancellationToken) is not { } before)
        {
            return DeleteOutcome.NotFound;
        }

        var entry = await change.CommitAsync(row, before, before.Value with { State = EntryState.Deleting }, type);
        change.Require(
            await grains.GetGrain<IAddressGrain>(address.ToString()).DeleteAsync(before.Value.DomainId, change.Revision, CancellationToken.None));
        await change.CommitAsync(row, entry, null, type);
        return DeleteOutcome.Deleted;
    }

    private static (string[] Addresses, PutOutcome? Refusal) Normalize(ImmutableArray<string> targets)
    {
        if (targets.IsDefaultOrEmpty || targets.Length > MaxTargets)
        {
            return ([], new PutOutcome(PutStatus.Invalid, $"An alias has 1 to {MaxTargets} targets."));
        }

        var addresses = new List<string>(targets.Length);
        var seen = new HashSet<AddressName>();
        foreach (var target in targets)
        {
            if (target is null || !TargetAddress.TryNormalize(target, out var address))
            {
                return ([], new PutOutcome(PutStatus.Invalid, "A target is no address."));
            }

            if (AddressName.TryParse(address, out var name) && seen.Add(name))
            {
                addresses.Add(address);
            }
        }

        // Quotes and backslashes take two characters in the record.
        return addresses.Sum(a => 2 * a.Length) <= DirectoryTable.MaxRecordChars
            ? ([.. addresses], null)
            : ([], new PutOutcome(PutStatus.Invalid, "The targets are too long."));
    }

    private static AddressRecord RecordOf(string tenant, AliasEntry entry) =>
        new(entry.DomainId, tenant, AddressKind.Alias, default, [.. entry.Targets]);
}
