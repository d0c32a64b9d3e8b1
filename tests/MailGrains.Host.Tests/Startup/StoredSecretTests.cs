using MailGrains.Host.Startup;
using MailGrains.Storage;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;

namespace MailGrains.Host.Tests.Startup;

public sealed class StoredSecretTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-secret").FullName;
    private readonly SqliteStore _store;

    public StoredSecretTests() => _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Many_that_make_it_at_once_get_the_same_of_256_bits()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StoredSecret.OfAsync(_store.Accounts, "one", None)));

        Assert.Equal(64, Assert.Single(made.Distinct()).Length);
        Assert.NotEqual(made[0], await StoredSecret.OfAsync(_store.Accounts, "other", None));
        Assert.Equal(made[0], await StoredSecret.OfAsync(_store.Accounts, "one", None));
    }

    [Fact]
    public async Task One_that_cannot_be_read_is_not_replaced()
    {
        var row = TableOperation.Insert("one", new RowProperties([new("f", 2L), new("key", "x")]));
        Assert.True((await _store.Accounts.Directory.Tables.CommitAsync(TableNames.Directory, "secrets", [row], None)).Committed);

        await Assert.ThrowsAsync<StoreException>(() => StoredSecret.OfAsync(_store.Accounts, "one", None));
    }
}
