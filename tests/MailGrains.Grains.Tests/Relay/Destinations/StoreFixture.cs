using MailGrains.Storage.Blobs;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Tests.Relay.Destinations;

/// <summary>An embedded store for all tests of a class, which keep out of each other's way by their names.</summary>
public sealed class StoreFixture : IAsyncDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;

    public StoreFixture() => _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });

    public ITableStore Tables => _store.Tables;

    public IBlobStore Blobs => _store.Blobs;

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }
}
