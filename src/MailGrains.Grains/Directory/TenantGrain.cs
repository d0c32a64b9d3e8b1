using System.Collections.Immutable;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Queues;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Orders the changes of one tenant: calls do not interleave, and each change is a chain of steps that can be repeated from any point. First the
/// tenant's partition says what is wanted (and under which new ids), then the grains that act on it are told, last the partition says
/// that it is done. A PUT tells account, mailbox, address, so mail is let in when everything stands; a DELETE goes the other way. The grain keeps
/// nothing in memory: each change reads the header, and its first commit fails when another activation was faster.
/// </summary>
public sealed partial class TenantGrain : Grain, ITenantGrain
{
    private const int MaxAttempts = 4;

    private readonly ILogger _logger;
    private readonly TenantPartition _partition;
    private readonly DomainChanges _domains;
    private readonly MailboxChanges _mailboxes;
    private readonly AliasChanges _aliases;
    private readonly TenantQueues _queues;
    private readonly string _name;

    public TenantGrain(
        IGrainFactory grains, StorageAccounts accounts, QueueCatalog queues, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time,
        ILogger<TenantGrain> logger)
    {
        _name = this.GetPrimaryKeyString();
        if (!TenantName.TryNormalize(_name, out var normalized) || normalized != _name)
        {
            throw new ArgumentException($"'{_name}' is not the key of a tenant.");
        }

        _logger = logger;
        _partition = new TenantPartition(new DirectoryTable(accounts), _name);
        _domains = new DomainChanges(grains, accounts);
        _mailboxes = new MailboxChanges(grains, accounts);
        _aliases = new AliasChanges(grains);
        _queues = new TenantQueues(grains, queues, time, _name);
    }

    // Interleaved with changes: what the store has is all that it may use.
    public async ValueTask<TenantRecord?> FindAsync(CancellationToken cancellationToken) =>
        await _partition.ReadHeaderAsync(cancellationToken) is { Value.Live: true } header
            ? new TenantRecord(_name, header.Value.Settings)
            : null;

    public ValueTask<PutOutcome> PutAsync(TenantSettings settings, CancellationToken cancellationToken) =>
        PutAsync("tenant", _name, change => PutTenantAsync(change, settings, cancellationToken), cancellationToken);

    public ValueTask<DeleteOutcome> DeleteAsync(CancellationToken cancellationToken) =>
        DeleteAsync("tenant", _name, change => DeleteTenantAsync(change, cancellationToken), cancellationToken);

    public ValueTask<PutOutcome> PutDomainAsync(string domain, DomainSettings settings, CancellationToken cancellationToken) =>
        PutAsync("domain", domain, change => _domains.PutAsync(change, domain, settings, cancellationToken), cancellationToken);

    public ValueTask<DeleteOutcome> DeleteDomainAsync(string domain, CancellationToken cancellationToken) =>
        DeleteAsync("domain", domain, change => _domains.DeleteAsync(change, domain, cancellationToken), cancellationToken);

    public ValueTask<DomainRecord?> FindDomainAsync(string domain, CancellationToken cancellationToken) =>
        DomainChanges.FindAsync(_partition, _name, domain, cancellationToken);

    public ValueTask<PutOutcome> PutMailboxAsync(AddressName address, MailboxSettings settings, CancellationToken cancellationToken) =>
        PutAsync("mailbox", address.ToString(), change => _mailboxes.PutAsync(change, address, settings, cancellationToken), cancellationToken);

    public ValueTask<DeleteOutcome> DeleteMailboxAsync(AddressName address, CancellationToken cancellationToken) =>
        DeleteAsync("mailbox", address.ToString(), change => _mailboxes.DeleteAsync(change, address, cancellationToken), cancellationToken);

    public ValueTask<MailboxRecord?> FindMailboxAsync(AddressName address, CancellationToken cancellationToken) =>
        MailboxChanges.FindAsync(_partition, address, cancellationToken);

    public ValueTask<PutOutcome> PutAliasAsync(AddressName address, ImmutableArray<string> targets, CancellationToken cancellationToken) =>
        PutAsync("alias", address.ToString(), change => _aliases.PutAsync(change, address, targets, cancellationToken), cancellationToken);

    public ValueTask<DeleteOutcome> DeleteAliasAsync(AddressName address, CancellationToken cancellationToken) =>
        DeleteAsync("alias", address.ToString(), change => _aliases.DeleteAsync(change, address, cancellationToken), cancellationToken);

    public ValueTask<AddressRecord?> FindAliasAsync(AddressName address, CancellationToken cancellationToken) =>
        AliasChanges.FindAsync(_partition, _name, address, cancellationToken);

    public ValueTask<DirectoryPage> ListAsync(DirectoryCollection collection, string? after, int limit, CancellationToken cancellationToken) =>
        _partition.ListAsync(collection, after, limit, cancellationToken);

    private async ValueTask<PutOutcome> PutTenantAsync(TenantChange change, TenantSettings settings, CancellationToken cancellationToken)
    {
        if (TenantRules.Violation(settings) is { } violation)
        {
            return new PutOutcome(PutStatus.Invalid, violation);
        }

        var created = change.Live is null;
        if (created && change.Revision > 0)
        {
            // Mail that came while the former tenant of the name was deleted; and a deletion that was cut short.
            if (await _queues.HaveMailAsync(cancellationToken))
            {
                return new PutOutcome(PutStatus.Taken, "Mail of the deleted tenant of this name waits in its queues.");
            }

            await _queues.LiftOrdersAsync(cancellationToken);
        }

        // The list first: whatever exists can be seen.
        await change.Partition.EnterAsync(change.Revision + 1, CancellationToken.None);
        await change.CommitHeaderAsync(StoredTenant.Of(settings));
        return created ? PutOutcome.Created : PutOutcome.Changed;
    }

    private async ValueTask<DeleteOutcome> DeleteTenantAsync(TenantChange change, CancellationToken cancellationToken)
    {
        if (change.Live is not null)
        {
            if (await change.Partition.HasDomainsAsync(cancellationToken) || await _queues.HaveMailAsync(cancellationToken))
            {
                return DeleteOutcome.NotEmpty;
            }

            await change.CommitHeaderAsync(new StoredTenant(false, null));
            await _queues.LiftOrdersAsync(CancellationToken.None);
            await change.Partition.LeaveAsync(CancellationToken.None);
            return DeleteOutcome.Deleted;
        }

        // A deletion that a crash cut short comes to its end here.
        if (change.Revision > 0)
        {
            await _queues.LiftOrdersAsync(cancellationToken);
        }

        return await change.Partition.LeaveAsync(CancellationToken.None) ? DeleteOutcome.Deleted : DeleteOutcome.NotFound;
    }

    private async ValueTask<PutOutcome> PutAsync(
        string kind, string name, Func<TenantChange, ValueTask<PutOutcome>> change, CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(change, cancellationToken);
        LogPut(kind, name, _name, outcome.Status);
        return outcome;
    }

    private async ValueTask<DeleteOutcome> DeleteAsync(
        string kind, string name, Func<TenantChange, ValueTask<DeleteOutcome>> change, CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(change, cancellationToken);
        LogDelete(kind, name, _name, outcome);
        return outcome;
    }

    private async ValueTask<T> ChangeAsync<T>(Func<TenantChange, ValueTask<T>> change, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await change(new TenantChange(_partition, _name, await _partition.ReadHeaderAsync(cancellationToken)));
            }
            catch (TenantConflictException) when (attempt < MaxAttempts)
            {
                LogConflict(_name);
            }
            catch (TenantConflictException)
            {
                throw new StoreUnavailableException($"Tenant '{_name}' is being changed elsewhere.");
            }
        }
    }
}
