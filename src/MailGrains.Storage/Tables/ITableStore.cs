namespace MailGrains.Storage.Tables;

/// <summary>
/// The tables of one storage account: partitions of rows, ordered by row key (ordinal).
/// Every implementation enforces <see cref="TableLimits"/>, which are Azure Table Storage's, so that what works on a laptop
/// works in the cloud. Failures are <see cref="StoreException"/>s; their <see cref="StoreFailure"/> says whether something may
/// have been written.
/// </summary>
public interface ITableStore
{
    /// <summary>Reads one row, or null when there is none.</summary>
    ValueTask<TableRow?> ReadAsync(string table, string partition, string row, CancellationToken cancellationToken);

    /// <summary>
    /// Reads the rows of one partition whose row keys lie in <paramref name="rows"/>, in ordinal order of the row key. No snapshot: rows come
    /// in pages (at most 1,000 on Azure, 256 in SQLite), and commits may fall between two of them.
    /// </summary>
    IAsyncEnumerable<TableRow> ReadRowsAsync(string table, string partition, KeyRange rows, CancellationToken cancellationToken);

    /// <summary>
    /// Reads all rows of the partitions whose keys lie in <paramref name="partitions"/>, ordered by partition, then row key.
    /// Not for hot paths: it costs a scan of the range.
    /// </summary>
    IAsyncEnumerable<TableRow> ReadPartitionsAsync(string table, KeyRange partitions, CancellationToken cancellationToken);

    /// <summary>
    /// Commits all operations in one atomic, durable transaction within one partition; when it returns
    /// <see cref="TableCommit.Committed"/> the bytes are on stable storage.
    /// A condition that does not hold (insert of a row that exists, If-Match of another ETag, delete or replace of a row that is
    /// not there) makes the whole transaction a <see cref="TableCommit"/> with <see cref="TableCommit.Committed"/> false.
    /// </summary>
    /// <exception cref="StoreException">
    /// <see cref="StoreFailure.Refused"/>: a limit of <see cref="TableLimits"/> is broken, nothing was sent;
    /// <see cref="StoreFailure.Full"/> and <see cref="StoreFailure.Unavailable"/>: nothing was written;
    /// <see cref="StoreFailure.Unknown"/>: it may or may not have been written.
    /// </exception>
    ValueTask<TableCommit> CommitAsync(string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken);
}

/// <summary>A range of keys in ordinal order; a null bound is open.</summary>
public readonly record struct KeyRange(string? Lower, bool LowerInclusive, string? Upper, bool UpperInclusive)
{
    public static KeyRange All => default;

    public static KeyRange Exactly(string key) => new(key, true, key, true);

    /// <summary>All keys that start with <paramref name="prefix"/>.</summary>
    public static KeyRange Prefix(string prefix)
    {
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        return new(prefix, true, string.Concat(prefix.AsSpan(0, prefix.Length - 1), [(char)(prefix[^1] + 1)]), false);
    }

    /// <summary>Keys greater than <paramref name="key"/>, up to and including <paramref name="last"/> (null: no upper bound).</summary>
    public static KeyRange After(string key, string? last = null) => new(key, false, last, last is not null);

    public static KeyRange Between(string first, string last) => new(first, true, last, true);

    public bool Contains(string key) =>
        (Lower is null || (string.CompareOrdinal(key, Lower) is var low && (low > 0 || (low == 0 && LowerInclusive)))) &&
        (Upper is null || (string.CompareOrdinal(key, Upper) is var high && (high < 0 || (high == 0 && UpperInclusive))));
}
