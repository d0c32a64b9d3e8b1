using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>What an activation found when it took a site over.</summary>
/// <param name="OldLease">The longest that an activation before it may have leased; null where all that was leased had been given back.</param>
/// <param name="Sent">What <see cref="MessageBudget.Store"/> made; null where it made nothing.</param>
/// <param name="Left">What <see cref="SiteHandover.Write"/> made: all that was leased; null where the activation before did not end in order.</param>
internal sealed record TakeOver(TimeSpan? OldLease, byte[]? Sent, string? Left);

/// <summary>
/// One row a site that names the activation whose leases count, in account 0: partition <c>destination:{hash of the key}</c>, row <c>h</c> with <c>f</c> format,
/// <c>epoch</c>, <c>lease</c> in ticks (0: nothing is leased), <c>key</c> for who reads the table, <c>sent</c> where messages are limited. An activation that
/// ends with nothing leased removes its row or says so in it, and one that ends otherwise adds what is leased as <c>left</c>, so that the next one need not
/// wait; who does not know <c>left</c> waits for <c>lease</c>.
/// </summary>
internal sealed class SiteFence(StorageAccounts accounts, string key, Guid epoch, TimeSpan lease)
{
    private const int Format = 1;
    private const int MaxAttempts = 5;
    private const string Row = "h";

    private readonly ITableStore _tables = accounts.Directory.Tables;
    private readonly string _partition = "destination:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16));
    private string? _etag;
    private byte[]? _sent;

    /// <summary>Makes this activation the one that counts.</summary>
    /// <exception cref="StoreUnavailableException">It may or may not have become that; it can be tried again.</exception>
    public async ValueTask<TakeOver> TakeOverAsync(CancellationToken cancellationToken)
    {
        TakeOver? found = null;
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var row = await ReadAsync(cancellationToken);
            if (row is not null && EpochOf(row) == epoch)
            {
                // A write of ours whose answer was lost.
                _etag = row.ETag;
                return found ??= OfRow(row);
            }

            // Of all that were seen on the way the last is what is replaced; it took over from those before, and waits no shorter.
            found = row is null ? new TakeOver(null, null, null) : OfRow(row);
            _sent = found.Sent;
            var commit = await TryWriteAsync(row?.ETag, cancellationToken);
            if (commit is { Committed: true })
            {
                _etag = commit.Value.ETags[0];
                return found;
            }
        }

        throw new StoreUnavailableException("The destination is being taken over elsewhere.");
    }

    /// <summary>Whether this activation still counts.</summary>
    /// <exception cref="StoreUnavailableException">That can't be told now.</exception>
    public async ValueTask<bool> IsInForceAsync(CancellationToken cancellationToken) =>
        await ReadAsync(cancellationToken) is { } row && EpochOf(row) == epoch;

    /// <summary>Stores what was sent, before it is.</summary>
    /// <returns>False: this activation counts no more.</returns>
    /// <exception cref="StoreUnavailableException">It may or may not have been written.</exception>
    public async ValueTask<bool> StoreAsync(byte[] sent, CancellationToken cancellationToken)
    {
        _sent = sent;
        for (var attempt = 0; attempt < 2; attempt++)
        {
            if (await TryWriteAsync(_etag, cancellationToken) is { Committed: true } commit)
            {
                _etag = commit.ETags[0];
                return true;
            }

            // Our own write whose answer was lost, or another activation's.
            if (await ReadAsync(cancellationToken) is not { } row || EpochOf(row) != epoch)
            {
                return false;
            }

            _etag = row.ETag;
        }

        throw new StoreUnavailableException("What a destination was sent could not be stored.");
    }

    /// <summary>Nothing is leased, and nothing will be by this activation. What was sent stays known.</summary>
    public ValueTask ReleaseAsync(CancellationToken cancellationToken) =>
        EndAsync(etag => _sent is null ? TableOperation.Delete(Row, etag) : TableOperation.Replace(Row, Properties(TimeSpan.Zero), etag), cancellationToken);

    /// <summary>Nothing more will be leased by this activation.</summary>
    /// <param name="left">What <see cref="SiteHandover.Write"/> made.</param>
    public ValueTask LeaveAsync(string left, CancellationToken cancellationToken) =>
        EndAsync(etag => TableOperation.Replace(Row, new Dictionary<string, TableValue>(Properties(lease)) { ["left"] = left }, etag), cancellationToken);

    private async ValueTask EndAsync(Func<string, TableOperation> last, CancellationToken cancellationToken)
    {
        if (_etag is null)
        {
            return;
        }

        try
        {
            await _tables.CommitAsync(TableNames.Mail, _partition, [last(_etag)], cancellationToken);
        }
        catch (StoreException)
        {
            // The next activation waits, no more.
        }
    }

    private static Guid? EpochOf(TableRow row) => Guid.TryParse(row.Text("epoch"), out var found) ? found : null;

    /// <summary>A row of a newer format says at least that there was an activation.</summary>
    private TakeOver OfRow(TableRow row) => new(
        row.Number("lease") is not { } ticks ? lease : ticks > 0 ? TimeSpan.FromTicks(ticks) : null, row.Bytes("sent")?.ToArray(), row.Text("left"));

    private Dictionary<string, TableValue> Properties(TimeSpan mayBeLeased)
    {
        var properties = new Dictionary<string, TableValue>
        {
            ["f"] = (long)Format,
            ["epoch"] = epoch.ToString("n"),
            ["lease"] = mayBeLeased.Ticks,
            ["key"] = key.Length <= 1_000 ? key : key[..1_000],
        };
        if (_sent is not null)
        {
            properties["sent"] = _sent;
        }

        return properties;
    }

    private async ValueTask<TableRow?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _tables.ReadAsync(TableNames.Mail, _partition, Row, cancellationToken);
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException("A destination's row can't be read.", e);
        }
    }

    /// <returns>Null: it may or may not have been written.</returns>
    private async ValueTask<TableCommit?> TryWriteAsync(string? etag, CancellationToken cancellationToken)
    {
        var properties = Properties(lease);
        try
        {
            return await _tables.CommitAsync(
                TableNames.Mail, _partition, [etag is null ? TableOperation.Insert(Row, properties) : TableOperation.Replace(Row, properties, etag)],
                cancellationToken);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unknown)
        {
            return null;
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException("A destination's row can't be written.", e);
        }
    }
}
