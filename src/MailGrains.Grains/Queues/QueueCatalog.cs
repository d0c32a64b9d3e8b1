using System.Globalization;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Queues;

/// <summary>
/// Which queues have work, for those who look at all of them: a row a queue in the partition <c>queues:{tenant}</c> of its account (<c>f</c> format 1,
/// <c>n</c> messages, <c>h</c> held, <c>o</c> oldest and <c>d</c> next attempt in Unix milliseconds, <c>r</c> last reply, <c>s</c> 1 when suspended,
/// <c>t</c> when it was written). The queue itself knows better; a row may be minutes old.
/// </summary>
public sealed class QueueCatalog(StorageAccounts accounts)
{
    /// <summary>How old a row may get while its queue is in memory.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    public const int MaxQueues = 10_000;

    private const string Prefix = "queues:";

    private readonly Dictionary<QueueId, DateTimeOffset> _written = [];
    private readonly Lock _lock = new();

    /// <summary>Writes a queue's row, unless that was done within <see cref="Period"/>.</summary>
    /// <exception cref="StoreException">The store failed; it is tried again with the next look.</exception>
    public async Task PutAsync(QueueId queue, Func<QueueOverview> overview, DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_written.TryGetValue(queue, out var at) && now - at < Period)
            {
                return;
            }

            if (_written.Count >= MaxQueues)
            {
                _written.Clear();
            }

            _written[queue] = now;
        }

        await accounts[queue.Account].Tables.CommitAsync(
            TableNames.Mail, PartitionOf(queue.Tenant), [TableOperation.Upsert(RowOf(queue), Encode(overview(), now))], cancellationToken);
    }

    /// <summary>The queue is empty.</summary>
    public async Task RemoveAsync(QueueId queue, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _written.Remove(queue);
        }

        // Not there: it was removed before, or never written.
        await accounts[queue.Account].Tables.CommitAsync(
            TableNames.Mail, PartitionOf(queue.Tenant), [TableOperation.Delete(RowOf(queue), TableOperation.Any)], cancellationToken);
    }

    /// <summary>Queues of all tenants, or of one, at most <see cref="MaxQueues"/>.</summary>
    /// <exception cref="StoreException">An account can't be read now.</exception>
    public async IAsyncEnumerable<QueueOverview> ListAsync(
        string? tenant, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = MaxQueues;
        for (var number = 0; number < accounts.Count && left > 0; number++)
        {
            var tables = accounts[number].Tables;
            var rows = tenant is null
                ? tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.Prefix(Prefix), cancellationToken)
                : tables.ReadRowsAsync(TableNames.Mail, PartitionOf(tenant), KeyRange.All, cancellationToken);
            await foreach (var row in rows)
            {
                if (left > 0 && Decode(row, number) is { } overview)
                {
                    left--;
                    yield return overview;
                }
            }
        }
    }

    private static string PartitionOf(string tenant) => Prefix + TableKey.Encode(tenant);

    private static string RowOf(QueueId queue) => string.Create(CultureInfo.InvariantCulture, $"{TableKey.Encode(queue.Domain)}:{queue.Shard}");

    private static RowProperties Encode(QueueOverview overview, DateTimeOffset now) => new([
        new("f", 1L), new("n", (long)overview.Messages), new("h", (long)overview.Held), new("o", overview.Oldest?.ToUnixTimeMilliseconds() ?? 0L),
        new("d", overview.NextAttempt?.ToUnixTimeMilliseconds() ?? 0L), new("r", overview.LastReply ?? ""), new("s", overview.Suspended is null ? 0L : 1L),
        new("t", now.ToUnixTimeMilliseconds()),
    ]);

    private static QueueOverview? Decode(TableRow row, int account)
    {
        var colon = row.Row.LastIndexOf(':');
        if (row.Number("f") != 1 || colon < 0 || !int.TryParse(row.Row.AsSpan(colon + 1), CultureInfo.InvariantCulture, out var shard) ||
            !TableKey.TryDecode(row.Row[..colon], out var domain) || !TableKey.TryDecode(row.Partition[Prefix.Length..], out var tenant))
        {
            return null;
        }

        return new QueueOverview(
            new QueueId(tenant, account, domain, shard), (int)(row.Number("n") ?? 0), (int)(row.Number("h") ?? 0), 0, Time(row, "o"), Time(row, "d"),
            row.Text("r") is { Length: > 0 } reply ? reply : null)
        {
            Suspended = row.Number("s") == 1 ? new QueueMark("", "", null) : null,
        };
    }

    private static DateTimeOffset? Time(TableRow row, string property) =>
        row.Number(property) is > 0 and var at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null;
}
