using MailGrains.Storage.Blobs;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Sqlite.Tests;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Stores;

[assembly: AssemblyFixture(typeof(StoreFixture))]

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>One store for all contract suites, in a folder of its own.</summary>
public sealed class StoreFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StoreFixture() => Store = SqliteStore.Open(new() { Path = _folder.Path });

    public SqliteStore Store { get; }

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }
}

public sealed class SqliteTableStoreTests(StoreFixture fixture) : TableStoreContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class SqliteTableRangeTests(StoreFixture fixture) : TableRangeContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class SqliteTableLimitsTests(StoreFixture fixture) : TableLimitsContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class SqliteTableModelTests(StoreFixture fixture) : TableModelContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class SqliteBlobStoreTests(StoreFixture fixture) : BlobStoreContract
{
    protected override IBlobStore Store => fixture.Store.Blobs;
}
