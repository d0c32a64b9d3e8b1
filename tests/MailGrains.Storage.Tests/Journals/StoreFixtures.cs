using MailGrains.Storage.Sqlite;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>One embedded store for the tests of a class, in a folder of its own.</summary>
public sealed class SqliteStoreFixture : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-journals-").FullName;
    private readonly SqliteStore _store;

    public SqliteStoreFixture() => _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });

    public StorageAccount Account => _store.Accounts.Directory;

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
