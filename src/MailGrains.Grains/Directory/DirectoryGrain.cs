using MailGrains.Contracts.Directory;
using MailGrains.Storage;
using Orleans.Concurrency;

namespace MailGrains.Grains.Directory;

/// <summary>Reads the list of all tenants.</summary>
[StatelessWorker]
public sealed class DirectoryGrain(StorageAccounts accounts) : Grain, IDirectoryGrain
{
    private readonly DirectoryTable _table = new(accounts);

    public ValueTask<DirectoryPage> ListTenantsAsync(string? after, int limit, CancellationToken cancellationToken) =>
        TenantPartition.ListTenantsAsync(_table, after, limit, cancellationToken);
}
