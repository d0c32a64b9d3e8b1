using System.Collections.Concurrent;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage;

/// <summary>
/// In which account a tenant's queues lie: chosen when the first of them is made, kept for ever in the directory (partition
/// <c>queue-account:{tenant}</c>, row <c>a</c>: <c>f</c> format 1, <c>n</c> the account's number), so that growing moves nothing. What was read once is
/// remembered, at most <see cref="MaxRemembered"/> tenants.
/// </summary>
public sealed class QueueAccounts(StorageAccounts accounts)
{
    private const int MaxRemembered = 100_000;
    private const string Row = "a";

    private readonly ConcurrentDictionary<string, int> _known = new(StringComparer.Ordinal);

    /// <exception cref="StoreException">The directory can't be asked now.</exception>
    public ValueTask<int> OfAsync(string tenant, CancellationToken cancellationToken) =>
        _known.TryGetValue(tenant, out var account) ? new(account) : new(FindAsync(tenant, cancellationToken));

    private async Task<int> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        var partition = "queue-account:" + TableKey.Encode(tenant);
        var account = await ReadAsync(partition, cancellationToken).ConfigureAwait(false)
            ?? await ChooseAsync(tenant, partition, cancellationToken).ConfigureAwait(false);
        if (_known.Count >= MaxRemembered)
        {
            _known.Clear();
        }

        _known[tenant] = account;
        return account;
    }

    private async Task<int> ChooseAsync(string tenant, string partition, CancellationToken cancellationToken)
    {
        var chosen = accounts.ForNewOwner(tenant).Number;
        var commit = await accounts.Directory.Tables.CommitAsync(
            TableNames.Directory, partition, [TableOperation.Insert(Row, new RowProperties([new("f", 1L), new("n", (long)chosen)]))],
            cancellationToken).ConfigureAwait(false);

        // Another silo may have been first.
        return commit.Committed
            ? chosen
            : await ReadAsync(partition, cancellationToken).ConfigureAwait(false)
                ?? throw new StoreException(StoreFailure.Unavailable, $"The account of the queues of '{tenant}' is being chosen.");
    }

    private async Task<int?> ReadAsync(string partition, CancellationToken cancellationToken) =>
        await accounts.Directory.Tables.ReadAsync(TableNames.Directory, partition, Row, cancellationToken).ConfigureAwait(false) is { } row
            ? (int?)row.Number("n")
            : null;
}
