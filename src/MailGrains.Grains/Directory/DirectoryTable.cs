using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MailGrains.Contracts;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>A record as it was read: the revision of the tenant's change that wrote it, and its ETag.</summary>
internal sealed record Entry<T>(T Value, long Revision, string ETag);

/// <summary>
/// The directory's table, in account 0. A row holds three properties: <c>f</c> its format's number, <c>rev</c> the tenant's revision that wrote
/// it, <c>v</c> the record as JSON. A row of a newer format, or a damaged one, is an outage to its readers, and since every write is
/// conditional on a version that was read, it can't be overwritten.
/// <code>
/// tenants             {tenant}                   one row a tenant: the list of all
/// tenant:{tenant}     tenant                     the header; every change of the tenant replaces it If-Match
///                     d:{domain}                 the tenant's domains
///                     m:{domain}@{localpart}     its mailboxes, a:… its aliases: what the admin API lists and shows
/// domain:{domain}     r                          what DomainGrain, AddressGrain and AccountGrain answer by
/// address:{address}   r
/// account:{tenant}    {address}
///                     {address}!logins           failures, known peers, days of last use: written without a condition
/// secrets             {name}                     random keys of the installation; the host has rows of its own form there
/// </code>
/// </summary>
internal sealed class DirectoryTable(StorageAccounts accounts)
{
    /// <summary>The format that this release writes, and the newest that it reads.</summary>
    public const int Format = 1;

    /// <summary>Characters of a record's JSON; a property of a row takes 64 KiB of UTF-16.</summary>
    public const int MaxRecordChars = 30_000;

    private const string FormatProperty = "f";
    private const string RevisionProperty = "rev";
    private const string ValueProperty = "v";

    private readonly ITableStore _tables = accounts.Directory.Tables;

    public static IReadOnlyDictionary<string, TableValue> Encode<T>(T value, JsonTypeInfo<T> type, long revision) => new Dictionary<string, TableValue>
    {
        [FormatProperty] = (long)Format,
        [RevisionProperty] = revision,
        [ValueProperty] = JsonSerializer.Serialize(value, type),
    };

    /// <exception cref="StoreUnavailableException">The store fails, or the row can't be read by this release.</exception>
    public async ValueTask<Entry<T>?> ReadAsync<T>(string partition, string row, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await _tables.ReadAsync(TableNames.Directory, partition, row, cancellationToken) is { } found ? Decode(found, type) : null;
        }
        catch (StoreException e)
        {
            throw Unavailable(e);
        }
    }

    /// <summary>Row keys and records of a range of a partition, in order.</summary>
    /// <exception cref="StoreUnavailableException">As of <see cref="ReadAsync"/>.</exception>
    public async IAsyncEnumerable<(string Row, Entry<T> Entry)> ReadRowsAsync<T>(
        string partition, KeyRange rows, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        await using var found = _tables.ReadRowsAsync(TableNames.Directory, partition, rows, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await found.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (StoreException e)
            {
                throw Unavailable(e);
            }

            yield return (found.Current.Row, Decode(found.Current, type));
        }
    }

    /// <exception cref="StoreUnavailableException">The store fails; it may or may not have been written.</exception>
    public async ValueTask<TableCommit> CommitAsync(string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        try
        {
            return await _tables.CommitAsync(TableNames.Directory, partition, operations, cancellationToken);
        }
        catch (StoreException e)
        {
            throw Unavailable(e);
        }
    }

    private static Entry<T> Decode<T>(TableRow row, JsonTypeInfo<T> type)
        where T : class
    {
        if (row.Number(FormatProperty) is not (> 0 and <= Format))
        {
            throw new StoreUnavailableException(
                $"Row '{row.Row}' of '{row.Partition}' has format {row.Number(FormatProperty)}; this release reads up to {Format}.");
        }

        try
        {
            return row.Text(ValueProperty) is { } json && row.Number(RevisionProperty) is { } revision &&
                JsonSerializer.Deserialize(json, type) is { } value
                ? new Entry<T>(value, revision, row.ETag)
                : throw new StoreUnavailableException($"Row '{row.Row}' of '{row.Partition}' is damaged.");
        }
        catch (JsonException e)
        {
            throw new StoreUnavailableException($"Row '{row.Row}' of '{row.Partition}' is damaged.", e);
        }
    }

    private static StoreUnavailableException Unavailable(StoreException e) => new("The directory is not available.", e);
}
