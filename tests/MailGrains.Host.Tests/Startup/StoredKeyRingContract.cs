using MailGrains.Host.Startup;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azure;
using MailGrains.Testing.Azurite;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Host.Tests.Startup;

/// <summary>What one process protects, any other opens; the store of a test is its own.</summary>
public abstract class StoredKeyRingContract : IAsyncLifetime
{
    private readonly RsaKey _vault = new("mailgrains-data");
    private StorageAccounts? _accounts;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected abstract Task<StorageAccounts> OpenAsync();

    protected abstract ValueTask CloseAsync();

    public async ValueTask InitializeAsync() => _accounts = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _vault.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_processes_open_what_the_other_has_protected_and_so_does_the_next(bool vault)
    {
        await using var one = await ProcessAsync(vault);
        await using var other = await ProcessAsync(vault);

        var byOne = Protector(one).Protect("by one");
        var byOther = Protector(other).Protect("by other");
        Assert.Equal("by one", Protector(other).Unprotect(byOne));
        Assert.Equal("by other", Protector(one).Unprotect(byOther));

        await using var next = await ProcessAsync(vault);
        Assert.Equal(("by one", "by other"), (Protector(next).Unprotect(byOne), Protector(next).Unprotect(byOther)));
    }

    [Fact]
    public async Task With_a_vault_no_key_is_to_be_read_in_the_store()
    {
        await using var process = await ProcessAsync(vault: true);
        Protector(process).Protect("anything");

        var rows = await _accounts!.Directory.Tables.ReadRowsAsync(TableNames.Directory, StoredKeyRing.Partition, KeyRange.All, Token).ToListAsync(Token);
        Assert.NotEmpty(rows);
        Assert.All(rows, row =>
        {
            Assert.Equal(2L, row.Number("f"));
            Assert.DoesNotContain(row.Properties, p => p.Value.AsText is not null);
        });
    }

    private static IDataProtector Protector(ServiceProvider process) => process.GetRequiredService<IDataProtectionProvider>().CreateProtector("a test");

    private async Task<ServiceProvider> ProcessAsync(bool vault)
    {
        var services = new ServiceCollection().AddLogging();
        services.AddSingleton(_accounts!);
        services.AddSingleton(vault ? await SecretSeal.OpenAsync(_accounts!, _vault.Wrapping, Token) : SecretSeal.None);
        StoredKeyRing.Add(services);
        return services.BuildServiceProvider();
    }
}

public sealed class SqliteKeyRingTests : StoredKeyRingContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-keys-").FullName;
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

public sealed class AzureKeyRingTests : StoredKeyRingContract
{
    private AzuriteServer? _azurite;

    protected override async Task<StorageAccounts> OpenAsync()
    {
        _azurite = await AzuriteServer.StartAsync(Token);
        return await _azurite.OpenStoresAsync();
    }

    protected override ValueTask CloseAsync() => _azurite!.DisposeAsync();
}
