using MailGrains.Storage.Blobs;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Stores;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>The stores of one account, for tests that keep to partitions and names of their own.</summary>
public sealed class OpenedStores(AzuriteFixture azurite) : IAsyncLifetime
{
    private StorageAccounts? _accounts;

    public StorageAccount Account => _accounts!.Directory;

    public async ValueTask InitializeAsync() => _accounts = await azurite.Server.OpenStoresAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class AzureTableContract(OpenedStores stores) : TableStoreContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class AzureTableRangeContract(OpenedStores stores) : TableRangeContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class AzureTableLimitsContract(OpenedStores stores) : TableLimitsContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class AzureTableModelContract(OpenedStores stores) : TableModelContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;

    protected override int Histories => 50;
}

public sealed class AzureBlobContract(OpenedStores stores) : BlobStoreContract, IClassFixture<OpenedStores>
{
    protected override IBlobStore Store => stores.Account.Blobs;
}
