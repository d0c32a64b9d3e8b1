using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Keeps what one address means. A mailbox or alias that is known is answered from memory, by two grain calls (this one and the domain's).
/// Everything else (no such user, catch-all, postmaster's fallbacks) follows from "there is no record", which is read from the store each time:
/// the own row, the row of the address without its subaddress, the domain's. Whoever tries names so costs two or three point reads a name
/// and leaves nothing behind: an activation that has nothing to keep goes soon.
/// </summary>
[CollectionAgeLimit(Minutes = 2)]
public sealed class AddressGrain : Grain, IAddressGrain
{
    /// <summary>RFC 5321 §4.5.1; in the form that addresses have here.</summary>
    internal const string Postmaster = "postmaster";

    private readonly IGrainFactory _grains;
    private readonly DirectoryTable _table;
    private readonly AddressName _address;
    private readonly AddressName? _base;
    private readonly string _detail;
    private readonly IDomainGrain _domain;
    private readonly IAddressGrain? _baseGrain;
    private readonly DirectoryCell<StoredAddress> _cell;
    private readonly BriefStay _stay;
    private (Entry<StoredAddress> Entry, AddressRecord Record, AddressResolution Resolution)? _meaning;

    public AddressGrain(IGrainFactory grains, StorageAccounts accounts)
    {
        var key = this.GetPrimaryKeyString();
        if (!AddressName.TryParse(key, out _address) || _address.ToString() != key)
        {
            throw new ArgumentException($"'{key}' is not the key of an address.");
        }

        _grains = grains;
        _stay = new BriefStay(this);
        _table = new DirectoryTable(accounts);
        _cell = new DirectoryCell<StoredAddress>(_table, "address:" + TableKey.Encode(key), "r", StoredJson.Readable.StoredAddress);
        _domain = grains.GetGrain<IDomainGrain>(_address.Domain);

        // RFC 5233: the detail starts after the first separator; a localpart that starts with one has none.
        var plus = _address.Localpart.IndexOf('+', StringComparison.Ordinal);
        _detail = plus > 0 ? _address.Localpart[(plus + 1)..] : "";
        _base = plus > 0 ? _address with { Localpart = _address.Localpart[..plus] } : null;
        _baseGrain = _base is { } name ? grains.GetGrain<IAddressGrain>(name.ToString()) : null;
    }

    public async ValueTask<AddressResolution> ResolveAsync(CancellationToken cancellationToken)
    {
        if (await _domain.FindAsync(cancellationToken) is not { } domain)
        {
            return Nothing(AddressKind.NotLocal);
        }

        if (domain.Settings.BackupMx)
        {
            return ForBetterMx(domain);
        }

        // By what is known …
        var wasKnown = _cell.IsKnown;
        var own = wasKnown ? _cell.Known : await _cell.ReadAsync(cancellationToken);
        if (Meaning(own, domain) is { } known)
        {
            return known;
        }

        if (_baseGrain is not null && Counts(await _baseGrain.FindAsync(false, cancellationToken), domain) is { } baseRecord)
        {
            return ResolutionOf(baseRecord, _detail);
        }

        // … and before anything follows from "there is none", by what the store says.
        var ownRead = wasKnown ? _cell.ReadAsync(cancellationToken).AsTask() : Task.FromResult(own);
        var baseRead = _baseGrain?.FindAsync(true, cancellationToken).AsTask() ?? Task.FromResult<AddressRecord?>(null);
        var domainRead = _domain.ConfirmAsync(cancellationToken).AsTask();
        await Task.WhenAll(ownRead, baseRead, domainRead);
        if (await domainRead is not { } confirmed)
        {
            return Nothing(AddressKind.NotLocal);
        }

        if (confirmed.Settings.BackupMx)
        {
            return ForBetterMx(confirmed);
        }

        if (Meaning(await ownRead, confirmed) is { } read)
        {
            return read;
        }

        return Counts(await baseRead, confirmed) is { } readBase
            ? ResolutionOf(readBase, _detail)
            : await FallBackAsync(confirmed, cancellationToken);
    }

    public async ValueTask<AddressRecord?> FindAsync(bool confirm, CancellationToken cancellationToken)
    {
        var entry = confirm || !_cell.IsKnown ? await _cell.ReadAsync(cancellationToken) : _cell.Known;
        if (entry is { Value.Kind: not StoredAddressKind.None })
        {
            return MeaningOf(entry).Record;
        }

        _stay.Renew();
        return null;
    }

    public async ValueTask<DirectoryWrite> PutAsync(AddressRecord record, long revision, CancellationToken cancellationToken)
    {
        if (await _domain.ConfirmAsync(cancellationToken) is not { } domain || domain.Id != record.DomainId)
        {
            return DirectoryWrite.Stale;
        }

        var kind = record.Kind == AddressKind.Alias ? StoredAddressKind.Alias : StoredAddressKind.Mailbox;
        return await _cell.WriteAsync(
            _ => new StoredAddress(
                record.DomainId,
                record.Tenant,
                kind,
                kind == StoredAddressKind.Mailbox ? record.Mailbox.ToString() : null,
                kind == StoredAddressKind.Alias ? [.. record.Targets] : null),
            revision,
            found => found.Value.DomainId == record.DomainId && found.Revision > revision ? DirectoryWrite.Stale : null,
            cancellationToken);
    }

    public ValueTask<DirectoryWrite> DeleteAsync(string domainId, long revision, CancellationToken cancellationToken) => _cell.WriteAsync(
        found => new StoredAddress(domainId, found?.Tenant ?? "", StoredAddressKind.None, null, null),
        revision,
        found => found.Value.DomainId != domainId ? DirectoryWrite.Taken : found.Revision > revision ? DirectoryWrite.Stale : null,
        cancellationToken);

    /// <summary>What a hosted domain does with an address that has no record.</summary>
    private async ValueTask<AddressResolution> FallBackAsync(DomainRecord domain, CancellationToken cancellationToken)
    {
        // RFC 5321 §4.5.1: postmaster is always accepted.
        if ((_base ?? _address).Localpart == Postmaster)
        {
            return await ResolvePostmasterAsync(domain, cancellationToken);
        }

        // The catch-all address itself, when it has no record, is nobody; else it would lead to itself.
        return domain.Settings.CatchAll is { } catchAll && !IsThis(catchAll) ? Leading(catchAll, domain) : Nothing(AddressKind.NoSuchUser);
    }

    /// <summary>
    /// The address of the domain's settings, while it leads somewhere; else the domain's first mailbox by name, else the tenant's; else the
    /// catch-all. Where a tenant has no mailbox at all there is nobody to keep the mail yet: a temporary failure, so that it waits.
    /// </summary>
    private async ValueTask<AddressResolution> ResolvePostmasterAsync(DomainRecord domain, CancellationToken cancellationToken)
    {
        if (domain.Settings.Postmaster is { } set && !IsThis(set) && await LeadsSomewhereAsync(set, cancellationToken))
        {
            return Leading(set, domain);
        }

        var tenant = new TenantPartition(_table, domain.Tenant);
        if (await tenant.FirstMailboxAsync(_address.Domain, cancellationToken) is { } mailbox)
        {
            return new AddressResolution(AddressKind.Mailbox, mailbox, [], _detail);
        }

        return domain.Settings.CatchAll is { } catchAll && !IsThis(catchAll)
            ? Leading(catchAll, domain)
            : throw new StoreUnavailableException($"{_address}: the tenant has no mailbox that could take it yet.");
    }

    /// <summary>Whether an address is elsewhere, or has a record here. One step only, so that settings in a circle end.</summary>
    private async ValueTask<bool> LeadsSomewhereAsync(string target, CancellationToken cancellationToken) =>
        AddressName.TryParse(target, out var address) &&
        (await _grains.GetGrain<IDomainGrain>(address.Domain).FindAsync(cancellationToken) is not { } domain ||
            Counts(await _grains.GetGrain<IAddressGrain>(address.ToString()).FindAsync(true, cancellationToken), domain) is not null);

    private bool IsThis(string target) => AddressName.TryParse(target, out var address) && address == _address;

    private AddressResolution Leading(string target, DomainRecord domain) =>
        new(AddressKind.Alias, default, [target], _detail) { Tenant = domain.Tenant };

    private AddressResolution ForBetterMx(DomainRecord domain) => Nothing(AddressKind.BackupMx) with { Tenant = domain.Tenant };

    private AddressResolution Nothing(AddressKind kind)
    {
        _stay.Renew();
        return AddressResolution.Of(kind);
    }

    /// <summary>A record of another domain id is from a tenant that had the domain before: it counts as none.</summary>
    private static AddressRecord? Counts(AddressRecord? record, DomainRecord domain) => record?.DomainId == domain.Id ? record : null;

    private AddressResolution? Meaning(Entry<StoredAddress>? entry, DomainRecord domain) =>
        entry is { Value.Kind: not StoredAddressKind.None } && entry.Value.DomainId == domain.Id ? MeaningOf(entry).Resolution : null;

    private (Entry<StoredAddress> Entry, AddressRecord Record, AddressResolution Resolution) MeaningOf(Entry<StoredAddress> entry)
    {
        if (_meaning is not { } meaning || !ReferenceEquals(meaning.Entry, entry))
        {
            var stored = entry.Value;
            var record = new AddressRecord(
                stored.DomainId,
                stored.Tenant,
                stored.Kind == StoredAddressKind.Mailbox ? AddressKind.Mailbox : AddressKind.Alias,
                stored.Mailbox is null ? default : MailboxId.Parse(stored.Mailbox),
                [.. stored.Targets ?? []]);
            meaning = (entry, record, ResolutionOf(record, ""));
            _stay.End();
            _meaning = meaning;
        }

        return meaning;
    }

    private static AddressResolution ResolutionOf(AddressRecord record, string detail) => new(record.Kind, record.Mailbox, record.Targets, detail) { Tenant = record.Tenant };
}
