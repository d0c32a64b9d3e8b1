using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;

namespace MailGrains.Storage.Tests.Orleans;

public sealed class ClusterOnAzureTests(AzuriteFixture azurite) : ClusterContract, IClassFixture<AzuriteFixture>
{
    private readonly AzuriteAccount _account = azurite.Server.NewAccount();

    protected override async ValueTask<ITableStore> OpenAsync() =>
        (await AzureStores.OpenAsync([_account.ConnectionString])).Cluster;
}
