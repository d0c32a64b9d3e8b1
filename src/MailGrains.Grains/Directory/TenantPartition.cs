using System.Text.Json.Serialization.Metadata;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// The rows of one tenant: its header and what it has. Names of mailboxes and aliases stand under their domain, so that all of one domain
/// lie together and each collection has an order that pages can follow.
/// </summary>
internal sealed class TenantPartition(DirectoryTable table, string tenant)
{
    public const string HeaderRow = "tenant";

    private const string TenantsPartition = "tenants";
    private const string DomainPrefix = "d:";
    private const string MailboxPrefix = "m:";
    private const string AliasPrefix = "a:";

    // Entries that a crash left half-made or half-deleted are passed over when a postmaster is looked for, so many at the most.
    private const int MaxPassedOver = 100;

    private readonly string _partition = "tenant:" + tenant;

    public static string DomainRow(string domain) => DomainPrefix + domain;

    public static string MailboxRow(AddressName address) => MailboxPrefix + UnderDomain(address);

    public static string AliasRow(AddressName address) => AliasPrefix + UnderDomain(address);

    public ValueTask<Entry<StoredTenant>?> ReadHeaderAsync(CancellationToken cancellationToken) =>
        ReadAsync(HeaderRow, StoredJson.Readable.StoredTenant, cancellationToken);

    public ValueTask<Entry<T>?> ReadAsync<T>(string row, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class => table.ReadAsync(_partition, row, type, cancellationToken);

    public ValueTask<TableCommit> CommitAsync(IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken) =>
        table.CommitAsync(_partition, operations, cancellationToken);

    /// <summary>Whether the tenant has any domain.</summary>
    public ValueTask<bool> HasDomainsAsync(CancellationToken cancellationToken) =>
        AnyAsync(KeyRange.Prefix(DomainPrefix), StoredJson.Readable.DomainEntry, cancellationToken);

    /// <summary>Whether there is a mailbox or an alias of the domain.</summary>
    public async ValueTask<bool> HasAddressesAsync(string domain, CancellationToken cancellationToken) =>
        await AnyAsync(KeyRange.Prefix($"{MailboxPrefix}{domain}@"), StoredJson.Readable.MailboxEntry, cancellationToken) ||
        await AnyAsync(KeyRange.Prefix($"{AliasPrefix}{domain}@"), StoredJson.Readable.AliasEntry, cancellationToken);

    /// <summary>The first mailbox, by name, of the domain; where it has none, of the tenant.</summary>
    public async ValueTask<MailboxId?> FirstMailboxAsync(string domain, CancellationToken cancellationToken) =>
        await FirstMailboxAsync(KeyRange.Prefix($"{MailboxPrefix}{domain}@"), cancellationToken) ??
        await FirstMailboxAsync(KeyRange.Prefix(MailboxPrefix), cancellationToken);

    public ValueTask<DirectoryPage> ListAsync(DirectoryCollection collection, string? after, int limit, CancellationToken cancellationToken) =>
        collection switch
        {
            DirectoryCollection.Domains => PageAsync(
                _partition,
                DomainPrefix,
                after is null ? null : AddressName.TryNormalizeDomain(after, out var domain) ? DomainRow(domain) : throw NoName(after),
                limit,
                StoredJson.Readable.DomainEntry,
                row => row[DomainPrefix.Length..],
                cancellationToken),
            DirectoryCollection.Mailboxes => PageAsync(
                _partition,
                MailboxPrefix,
                after is null ? null : AddressName.TryParse(after, out var mailbox) ? MailboxRow(mailbox) : throw NoName(after),
                limit,
                StoredJson.Readable.MailboxEntry,
                AddressOf,
                cancellationToken),
            DirectoryCollection.Aliases => PageAsync(
                _partition,
                AliasPrefix,
                after is null ? null : AddressName.TryParse(after, out var alias) ? AliasRow(alias) : throw NoName(after),
                limit,
                StoredJson.Readable.AliasEntry,
                AddressOf,
                cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(collection)),
        };

    /// <summary>Adds the tenant to the list of all.</summary>
    public async ValueTask EnterAsync(long revision, CancellationToken cancellationToken) => await table.CommitAsync(
        TenantsPartition,
        [TableOperation.Upsert(tenant, DirectoryTable.Encode(new StoredTenant(true, null), StoredJson.Readable.StoredTenant, revision))],
        cancellationToken);

    /// <summary>Takes the tenant off the list of all; false when it did not stand there.</summary>
    public async ValueTask<bool> LeaveAsync(CancellationToken cancellationToken) =>
        (await table.CommitAsync(TenantsPartition, [TableOperation.Delete(tenant)], cancellationToken)).Committed;

    public static ValueTask<DirectoryPage> ListTenantsAsync(DirectoryTable table, string? after, int limit, CancellationToken cancellationToken) =>
        PageAsync(
            table,
            TenantsPartition,
            new KeyRange(
                after is null ? null : TenantName.TryNormalize(after, out var name) ? name : throw NoName(after), false, null, false),
            limit,
            StoredJson.Readable.StoredTenant,
            row => row,
            cancellationToken);

    private static string UnderDomain(AddressName address) => $"{address.Domain}@{TableKey.Encode(address.Localpart)}";

    private static ArgumentException NoName(string after) => new($"'{after}' is no name of this collection.", nameof(after));

    /// <summary>The address of a row of a mailbox or an alias.</summary>
    private static string AddressOf(string row)
    {
        var name = row.AsSpan(2);
        var at = name.IndexOf('@');
        return TableKey.TryDecode(name[(at + 1)..].ToString(), out var localpart)
            ? new AddressName(localpart, name[..at].ToString()).ToString()
            : throw new StoreUnavailableException($"Row '{row}' of the directory has no address.");
    }

    private ValueTask<DirectoryPage> PageAsync<T>(
        string partition, string prefix, string? after, int limit, JsonTypeInfo<T> type, Func<string, string> nameOf, CancellationToken cancellationToken)
        where T : class
    {
        var all = KeyRange.Prefix(prefix);
        return PageAsync(
            table,
            partition,
            after is null ? all : new KeyRange(after, false, all.Upper, all.UpperInclusive),
            limit,
            type,
            nameOf,
            cancellationToken);
    }

    private static async ValueTask<DirectoryPage> PageAsync<T>(
        DirectoryTable table, string partition, KeyRange rows, int limit, JsonTypeInfo<T> type, Func<string, string> nameOf, CancellationToken cancellationToken)
        where T : class
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, DirectoryPage.MaxLimit);
        var names = new List<string>(Math.Min(limit, 100));
        await foreach (var (row, _) in table.ReadRowsAsync(partition, rows, type, cancellationToken))
        {
            if (names.Count == limit)
            {
                return new DirectoryPage([.. names], names[^1]);
            }

            names.Add(nameOf(row));
        }

        return new DirectoryPage([.. names], null);
    }

    private async ValueTask<MailboxId?> FirstMailboxAsync(KeyRange rows, CancellationToken cancellationToken)
    {
        var passedOver = 0;
        await foreach (var (_, entry) in table.ReadRowsAsync(_partition, rows, StoredJson.Readable.MailboxEntry, cancellationToken))
        {
            if (entry.Value.State is EntryState.Ready or EntryState.Changing)
            {
                return MailboxId.Parse(entry.Value.Mailbox);
            }

            if (++passedOver == MaxPassedOver)
            {
                break;
            }
        }

        return null;
    }

    private async ValueTask<bool> AnyAsync<T>(KeyRange rows, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        await foreach (var _ in table.ReadRowsAsync(_partition, rows, type, cancellationToken))
        {
            return true;
        }

        return false;
    }
}
