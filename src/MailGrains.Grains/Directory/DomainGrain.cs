using MailGrains.Contracts.Directory;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Keeps which tenant has a domain. Asked for every recipient, so a hosted domain is answered from memory; one that isn't known is looked for
/// in the store each time, and its activation goes soon, since anybody may ask for any name.
/// </summary>
[CollectionAgeLimit(Minutes = 15)]
public sealed class DomainGrain : Grain, IDomainGrain
{
    private readonly DirectoryCell<StoredDomain> _cell;
    private readonly BriefStay _stay;
    private (Entry<StoredDomain> Entry, DomainRecord Record)? _record;

    public DomainGrain(StorageAccounts accounts)
    {
        var name = this.GetPrimaryKeyString();
        _stay = new BriefStay(this);
        _cell = new DirectoryCell<StoredDomain>(
            new DirectoryTable(accounts), "domain:" + TableKey.Encode(name), "r", StoredJson.Readable.StoredDomain);
    }

    public ValueTask<DomainRecord?> FindAsync(CancellationToken cancellationToken) =>
        _cell.Known is { Value.Live: true } known ? new(RecordOf(known)) : ConfirmAsync(cancellationToken);

    public async ValueTask<DomainRecord?> ConfirmAsync(CancellationToken cancellationToken)
    {
        if (await _cell.ReadAsync(cancellationToken) is { Value.Live: true } entry)
        {
            _stay.End();
            return RecordOf(entry);
        }

        _stay.Renew();
        return null;
    }

    public ValueTask<DirectoryWrite> PutAsync(DomainRecord record, long revision, CancellationToken cancellationToken) => _cell.WriteAsync(
        _ => new StoredDomain(true, record.Id, record.Tenant, record.Account, record.Settings.CatchAll, record.Settings.Postmaster, record.Settings.BackupMx),
        revision,
        found => found.Value.Tenant == record.Tenant
            ? found.Revision > revision ? DirectoryWrite.Stale : null
            : found.Value.Live ? DirectoryWrite.Taken : null,
        cancellationToken);

    public ValueTask<DirectoryWrite> DeleteAsync(string id, string tenant, long revision, CancellationToken cancellationToken) => _cell.WriteAsync(
        found => new StoredDomain(false, id, tenant, found?.Account ?? 0, null, null),
        revision,
        found => found.Value.Tenant != tenant ? DirectoryWrite.Taken : found.Revision > revision ? DirectoryWrite.Stale : null,
        cancellationToken);

    private DomainRecord RecordOf(Entry<StoredDomain> entry)
    {
        if (_record is not { } cached || !ReferenceEquals(cached.Entry, entry))
        {
            var domain = entry.Value;
            cached = (entry, new DomainRecord(domain.Id, domain.Tenant, domain.Account, domain.Settings));
            _record = cached;
        }

        return cached.Record;
    }
}
