using System.Runtime.CompilerServices;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Queues;

/// <summary>
/// Which queues have work, or an operator's order on them, for those who look at all of them: a row a queue (<see cref="CatalogRow"/>) in the partition
/// <c>queues:{tenant}</c> of its account. The queue itself knows better; a row may be minutes old.
/// </summary>
public sealed class QueueCatalog(StorageAccounts accounts)
{
    /// <summary>How old a row may get while its queue is in memory.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private const int MaxRemembered = 10_000;

    private readonly Dictionary<QueueId, DateTimeOffset> _written = [];
    private readonly Lock _lock = new();

    /// <summary>Writes a queue's row, unless that was done within <see cref="Period"/>.</summary>
    /// <param name="isUrgent">It is written in any case.</param>
    /// <exception cref="StoreException">The store failed; it is tried again with the next look.</exception>
    public async Task PutAsync(
        QueueId queue, Func<QueueOverview> overview, DateTimeOffset now, bool isUrgent, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!isUrgent && _written.TryGetValue(queue, out var at) && now - at < Period)
            {
                return;
            }
        }

        await accounts[queue.Account].Tables.CommitAsync(
            TableNames.Mail, CatalogRow.PartitionOf(queue.Tenant), [TableOperation.Upsert(CatalogRow.RowOf(queue), CatalogRow.Encode(overview()))],
            cancellationToken);
        lock (_lock)
        {
            if (_written.Count >= MaxRemembered)
            {
                _written.Clear();
            }

            _written[queue] = now;
        }
    }

    /// <summary>The queue is empty, and nothing is ordered on it.</summary>
    public async Task RemoveAsync(QueueId queue, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _written.Remove(queue);
        }

        // Not there: it was removed before, or never written.
        await accounts[queue.Account].Tables.CommitAsync(
            TableNames.Mail, CatalogRow.PartitionOf(queue.Tenant), [TableOperation.Delete(CatalogRow.RowOf(queue), TableOperation.Any)], cancellationToken);
    }

    /// <summary>The rows by account, tenant, domain and shard.</summary>
    /// <param name="after">They begin behind the shards of this one.</param>
    /// <exception cref="StoreException">An account can't be read now.</exception>
    /// <exception cref="ArgumentException">"After" is none of the filter's queues.</exception>
    public async IAsyncEnumerable<QueueOverview> ReadAsync(
        QueueFilter filter, QueueId? after, DateTimeOffset now, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (after is { } last && filter.Tenant is not null && last.Tenant != filter.Tenant)
        {
            throw new ArgumentException("It is another tenant's.", nameof(after));
        }

        for (var number = after?.Account ?? 0; number < accounts.Count; number++)
        {
            await foreach (var row in ReadAccountAsync(number, filter, after?.Account == number ? after : null, cancellationToken))
            {
                if (CatalogRow.Decode(row, number, now) is { } overview && (filter.Domain is null || overview.Queue.Domain == filter.Domain))
                {
                    yield return overview;
                }
            }
        }
    }

    private async IAsyncEnumerable<TableRow> ReadAccountAsync(
        int number, QueueFilter filter, QueueId? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var tables = accounts[number].Tables;
        if ((after?.Tenant ?? filter.Tenant) is { } tenant)
        {
            var rows = filter.Tenant is null || filter.Domain is null ? KeyRange.All : CatalogRow.RangeOf(filter.Domain);
            rows = after is { } last ? rows with { Lower = CatalogRow.RangeOf(last.Domain).Upper, LowerInclusive = true } : rows;
            await foreach (var row in tables.ReadRowsAsync(TableNames.Mail, CatalogRow.PartitionOf(tenant), rows, cancellationToken))
            {
                yield return row;
            }
        }

        if (filter.Tenant is null)
        {
            var tenants = after is null
                ? CatalogRow.Tenants
                : CatalogRow.Tenants with { Lower = CatalogRow.PartitionOf(after.Value.Tenant), LowerInclusive = false };
            await foreach (var row in tables.ReadPartitionsAsync(TableNames.Mail, tenants, cancellationToken))
            {
                yield return row;
            }
        }
    }
}
