using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Azurite;

namespace MailGrains.Storage.Tests.Secrets;

public sealed class SqliteSecretTests : SecretContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-secrets-").FullName;
    private SqliteStore? _store;

    protected override Task<StorageAccounts> OpenAsync()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        return Task.FromResult(_store.Accounts);
    }

    protected override async ValueTask CloseAsync()
    {
        await _store!.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

public sealed class AzureSecretTests(AzuriteFixture azurite) : SecretContract
{
    protected override Task<StorageAccounts> OpenAsync() => azurite.Server.OpenStoresAsync();

    protected override ValueTask CloseAsync() => default;
}
