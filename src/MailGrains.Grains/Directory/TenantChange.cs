using System.Text.Json.Serialization.Metadata;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>The tenant's header was replaced by another change since this one read it: nothing was written, start over.</summary>
internal sealed class TenantConflictException : Exception;

/// <summary>
/// One change of a tenant, step by step. Every commit replaces the header If-Match, so of two activations that change a tenant one
/// fails; it raises the revision that the next steps, at other grains, carry.
/// </summary>
internal sealed class TenantChange(TenantPartition partition, string tenant, Entry<StoredTenant>? header)
{
    private Entry<StoredTenant>? _header = header;

    public string Tenant => tenant;

    /// <summary>The header's value, or null where there is no such tenant.</summary>
    public StoredTenant? Live => _header is { Value.Live: true } ? _header.Value : null;

    /// <summary>Of the latest commit.</summary>
    public long Revision => _header?.Revision ?? 0;

    public TenantPartition Partition => partition;

    /// <summary>Commits one entry; null deletes it.</summary>
    /// <param name="before">The entry as it was read in this change, null where there was none.</param>
    /// <returns>The entry as it is now.</returns>
    /// <exception cref="TenantConflictException">Another change came in between.</exception>
    public async ValueTask<Entry<T>?> CommitAsync<T>(string row, Entry<T>? before, T? after, JsonTypeInfo<T> type)
        where T : class
    {
        var revision = Revision + 1;
        var operation = (before, after) switch
        {
            (null, { } made) => TableOperation.Insert(row, DirectoryTable.Encode(made, type, revision)),
            ({ } old, { } changed) => TableOperation.Replace(row, DirectoryTable.Encode(changed, type, revision), old.ETag),
            ({ } old, null) => TableOperation.Delete(row, old.ETag),
            _ => throw new ArgumentException("There is nothing to commit.", nameof(before)),
        };
        var etags = await CommitAsync(Live ?? throw new InvalidOperationException("The tenant does not exist."), [operation]);
        return after is null ? null : new Entry<T>(after, revision, etags[1]);
    }

    /// <summary>Commits the header alone.</summary>
    /// <exception cref="TenantConflictException">Another change came in between.</exception>
    public async ValueTask CommitHeaderAsync(StoredTenant value) => await CommitAsync(value, []);

    /// <summary>Takes the answer of a grain that was told to write.</summary>
    /// <exception cref="StoreUnavailableException">A later change was there before: this activation is stale.</exception>
    public void Require(DirectoryWrite write)
    {
        if (write == DirectoryWrite.Stale)
        {
            throw new StoreUnavailableException($"Another change of tenant '{tenant}' came in between.");
        }
    }

    private async ValueTask<IReadOnlyList<string>> CommitAsync(StoredTenant value, TableOperation[] operations)
    {
        var revision = Revision + 1;
        var properties = DirectoryTable.Encode(value, StoredJson.Readable.StoredTenant, revision);
        var headerOperation = _header is null
            ? TableOperation.Insert(TenantPartition.HeaderRow, properties)
            : TableOperation.Replace(TenantPartition.HeaderRow, properties, _header.ETag);

        // From here on the change goes to its end though its caller may be gone: half a change is repaired by a repeat only.
        var commit = await partition.CommitAsync([headerOperation, .. operations], CancellationToken.None);
        if (!commit.Committed)
        {
            throw new TenantConflictException();
        }

        _header = new Entry<StoredTenant>(value, revision, commit.ETags[0]);
        return commit.ETags;
    }
}
