using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Orleans;

/// <summary>Silos that share one SQLite file, as processes of one machine do.</summary>
public sealed class ClusterOnSqliteTests : ClusterContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-cluster-").FullName;
    private readonly List<SqliteStore> _stores = [];

    public void Dispose()
    {
        _stores.ForEach(store => store.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    protected override ValueTask<ITableStore> OpenAsync()
    {
        var store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder, Shared = true });
        _stores.Add(store);
        return new(store.Accounts.Cluster);
    }
}
