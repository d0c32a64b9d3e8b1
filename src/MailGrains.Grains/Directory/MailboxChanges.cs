using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;

namespace MailGrains.Grains.Directory;

/// <summary>How a tenant makes, changes and deletes mailboxes: account, mailbox, address, and back.</summary>
internal sealed class MailboxChanges(IGrainFactory grains, StorageAccounts accounts)
{
    public static async ValueTask<MailboxRecord?> FindAsync(TenantPartition partition, AddressName address, CancellationToken cancellationToken) =>
        await partition.ReadAsync(TenantPartition.MailboxRow(address), StoredJson.Readable.MailboxEntry, cancellationToken) is { } entry
            ? new MailboxRecord(address.ToString(), MailboxId.Parse(entry.Value.Mailbox), entry.Value.QuotaBytes)
            {
                Complete = entry.Value.State == EntryState.Ready,
                Account = StoredSettings.Read(entry.Value.Account),
            }
            : null;

    public async ValueTask<PutOutcome> PutAsync(
        TenantChange change, AddressName address, MailboxSettings settings, CancellationToken cancellationToken)
    {
        if (settings.QuotaBytes is < 0)
        {
            return new PutOutcome(PutStatus.Invalid, "A quota is 0 (no limit) or a number of bytes.");
        }

        if (settings.Password is { } password && PasswordRules.Violation(password, address) is { } violation)
        {
            return new PutOutcome(PutStatus.Invalid, violation);
        }

        var (domain, refusal) = await DomainChanges.RequireAsync(change, address.Domain, cancellationToken);
        if (domain is null)
        {
            return refusal!;
        }

        var (account, accountViolation) = await AccountRules.NormalizeAsync(change, settings.Account, cancellationToken);
        if (accountViolation is not null)
        {
            return new PutOutcome(PutStatus.Invalid, accountViolation);
        }

        if (await change.Partition.ReadAsync(TenantPartition.AliasRow(address), StoredJson.Readable.AliasEntry, cancellationToken) is not null)
        {
            return new PutOutcome(PutStatus.Taken, "The address is an alias.");
        }

        var (row, type) = (TenantPartition.MailboxRow(address), StoredJson.Readable.MailboxEntry);
        var before = await change.Partition.ReadAsync(row, type, cancellationToken);
        if (before is { Value.State: EntryState.Deleting })
        {
            await TakeDownAsync(change, address, before.Value);
        }

        var wanted = before is null or { Value.State: EntryState.Deleting }
            ? new MailboxEntry(EntryState.Creating, domain.Id, NewId(change, address), settings.QuotaBytes ?? 0, account)
            : before.Value with
            {
                State = before.Value.State == EntryState.Creating ? EntryState.Creating : EntryState.Changing,
                DomainId = domain.Id,
                QuotaBytes = settings.QuotaBytes ?? before.Value.QuotaBytes,
                Account = account ?? before.Value.Account,
            };
        var entry = await change.CommitAsync(row, before, wanted, type);
        await SetUpAsync(change, address, wanted, settings.Password);
        await change.CommitAsync(row, entry, wanted with { State = EntryState.Ready }, type);
        return wanted.State == EntryState.Creating ? PutOutcome.Created : PutOutcome.Changed;
    }

    public async ValueTask<DeleteOutcome> DeleteAsync(TenantChange change, AddressName address, CancellationToken cancellationToken)
    {
        var (row, type) = (TenantPartition.MailboxRow(address), StoredJson.Readable.MailboxEntry);
        if (change.Live is null || await change.Partition.ReadAsync(row, type, cancellationToken) is not { } before)
        {
            return DeleteOutcome.NotFound;
        }

        var entry = await change.CommitAsync(row, before, before.Value with { State = EntryState.Deleting }, type);
        await TakeDownAsync(change, address, before.Value);
        await change.CommitAsync(row, entry, null, type);
        return DeleteOutcome.Deleted;
    }

    private async ValueTask SetUpAsync(TenantChange change, AddressName address, MailboxEntry entry, string? password)
    {
        var mailbox = MailboxId.Parse(entry.Mailbox);
        var account = grains.GetGrain<IAccountGrain>(AccountKey.Of(change.Tenant, address));
        change.Require(await account.PutAsync(mailbox, password, StoredSettings.Read(entry.Account), change.Revision, CancellationToken.None));
        if (!await grains.GetGrain<IMailboxGrain>(entry.Mailbox).CreateAsync(entry.QuotaBytes, CancellationToken.None))
        {
            // Only this tenant deletes its mailboxes, and says so in its partition first.
            throw new InvalidOperationException($"Mailbox {entry.Mailbox} was deleted, but its tenant has it.");
        }

        var record = new AddressRecord(entry.DomainId, change.Tenant, AddressKind.Mailbox, mailbox, []);
        change.Require(await grains.GetGrain<IAddressGrain>(address.ToString()).PutAsync(record, change.Revision, CancellationToken.None));
    }

    private async ValueTask TakeDownAsync(TenantChange change, AddressName address, MailboxEntry entry)
    {
        change.Require(
            await grains.GetGrain<IAddressGrain>(address.ToString()).DeleteAsync(entry.DomainId, change.Revision, CancellationToken.None));
        await grains.GetGrain<IMailboxGrain>(entry.Mailbox).DeleteAsync(CancellationToken.None);
        change.Require(
            await grains.GetGrain<IAccountGrain>(AccountKey.Of(change.Tenant, address)).DeleteAsync(change.Revision, CancellationToken.None));
    }

    private string NewId(TenantChange change, AddressName address) =>
        MailboxId.New(change.Tenant, accounts.ForNewOwner($"{change.Tenant}/{address}").Number).ToString();
}
