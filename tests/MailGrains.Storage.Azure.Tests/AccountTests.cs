using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>Accounts as start-up finds them, and how they grow.</summary>
public sealed class AccountTests(AzuriteFixture azurite)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AccountsThatChangedPlacesAreRefused()
    {
        var (zero, one) = (azurite.Server.NewAccount(), azurite.Server.NewAccount());
        await azurite.Server.OpenStoresAsync(null, zero, one);
        await azurite.Server.OpenStoresAsync(null, zero, one);

        // The cluster's account stays what it was; only the mail accounts are swapped.
        var options = Options(one, zero);
        options.Cluster = new AzureAccountOptions { ConnectionString = zero.ConnectionString };
        var error = await Assert.ThrowsAsync<StorageMismatchException>(() => OpenAsync(options));
        Assert.Contains("configured as number 0 is account number 1", error.Message);
        await Assert.ThrowsAsync<StorageMismatchException>(() => OpenAsync(Options(one, zero)));
        await azurite.Server.OpenStoresAsync(null, zero, one);
    }

    [Fact]
    public async Task AnAccountOfAnotherInstallationIsRefused()
    {
        var (ours, theirs) = (azurite.Server.NewAccount(), azurite.Server.NewAccount());
        await azurite.Server.OpenStoresAsync(null, ours);
        await azurite.Server.OpenStoresAsync(null, theirs);
        var error = await Assert.ThrowsAsync<StorageMismatchException>(() => OpenAsync(Options(ours, theirs)));
        Assert.Contains("number 1 belongs to another installation", error.Message);
        await azurite.Server.OpenStoresAsync(null, ours);
    }

    [Fact]
    public async Task AnAccountOfAnotherServiceIsRefused()
    {
        var account = azurite.Server.NewAccount();
        await AzureStores.OpenAsync([account.ConnectionString], service: "mail-of-berlin");
        var error = await Assert.ThrowsAsync<StorageMismatchException>(() => AzureStores.OpenAsync([account.ConnectionString], service: "mail-of-paris"));
        Assert.Contains("mail-of-berlin", error.Message);
        Assert.Contains("mail-of-paris", error.Message);
    }

    [Fact]
    public async Task AClusterAccountThatWasSetUpAnewIsRefused()
    {
        var options = Options(azurite.Server.NewAccount());
        options.Cluster = new AzureAccountOptions { ConnectionString = azurite.Server.NewAccount().ConnectionString };
        await OpenAsync(options);
        options.Cluster = new AzureAccountOptions { ConnectionString = azurite.Server.NewAccount().ConnectionString };
        await Assert.ThrowsAsync<StorageMismatchException>(() => OpenAsync(options));
    }

    [Fact]
    public async Task HostsThatStartTogetherOnNewAccountsAgree()
    {
        AzuriteAccount[] accounts = [azurite.Server.NewAccount(), azurite.Server.NewAccount()];
        var opened = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => azurite.Server.OpenStoresAsync(null, accounts)));
        await opened[0][1].Tables.CommitAsync(TableNames.Mail, "p", [TableOperation.Insert("r", Value("v"))], Token);
        Assert.NotNull(await opened[5][1].Tables.ReadAsync(TableNames.Mail, "p", "r", Token));
    }

    [Fact]
    public async Task TwoAccountsGrowToThreeAndEveryOldRowIsFoundWhereItWas()
    {
        AzuriteAccount[] accounts = [.. Enumerable.Range(0, 3).Select(_ => azurite.Server.NewAccount())];
        var two = await azurite.Server.OpenStoresAsync(null, accounts[..2]);
        var owners = Enumerable.Range(0, 100).Select(i => (Name: $"mailbox:demo:{i:D4}", Account: two.ForNewOwner($"demo/{i:D4}").Number)).ToList();
        Assert.Equal([0, 1], owners.Select(o => o.Account).Distinct().Order());
        await Parallel.ForEachAsync(owners, Token, async (owner, _) => await WriteAsync(two, owner.Name, owner.Account));

        var before = await DumpAsync(two[0], two[1]);
        var three = await azurite.Server.OpenStoresAsync(null, accounts);
        Assert.Equal(before, await DumpAsync(three[0], three[1]));
        await Parallel.ForEachAsync(owners, Token, async (owner, _) =>
        {
            var tables = three[owner.Account].Tables;
            Assert.Equal(owner.Name, (await tables.ReadAsync(TableNames.Mail, owner.Name, "h", Token))!.Text("v"));
            await using var body = await three[owner.Account].Blobs.ReadAsync(BlobOf(owner.Name), 0, null, Token);
            Assert.Equal((byte)owner.Account, body!.ReadByte());
        });

        // New owners come into the new account as well, and only they.
        var newOwners = Enumerable.Range(100, 60).Select(i => three.ForNewOwner($"demo/{i:D4}").Number).ToList();
        Assert.Equal([0, 1, 2], newOwners.Distinct().Order());
        Assert.Empty(await DumpAsync(three[2]));
        Assert.Equal(before, await DumpAsync(three[0], three[1]));
    }

    [Fact]
    public async Task AnAccountThatRefusesTheKeyEndsTheStartInTime()
    {
        var account = azurite.Server.NewAccount();
        var wrong = account.ConnectionString.Replace(account.Key, Convert.ToBase64String(new byte[64]), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<StoreException>(() => AzureStores.OpenAsync([wrong], startTimeout: TimeSpan.Zero));
        Assert.Equal(StoreFailure.Unavailable, error.Failure);
        Assert.Contains("403", error.Message);
        Assert.DoesNotContain(account.Name + ":", error.Message);
    }

    [Fact]
    public async Task NoAccountIsAConfigurationError() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => OpenAsync(new AzureStorageOptions()));

    [Theory]
    [InlineData("https://mail0.blob.core.windows.net", "https://mail0.blob.core.windows.net/", "https://mail0.table.core.windows.net/")]
    [InlineData("https://mail0.table.core.windows.net/", "https://mail0.blob.core.windows.net/", "https://mail0.table.core.windows.net/")]
    [InlineData("https://mail0.z17.blob.storage.azure.net/", "https://mail0.z17.blob.storage.azure.net/", "https://mail0.z17.table.storage.azure.net/")]
    public void FromOneServiceUriBothServicesFollow(string uri, string blob, string table)
    {
        var options = new AzureAccountOptions { ServiceUri = new Uri(uri) };
        Assert.Equal((blob, table), (options.BlobAddress("0").ToString(), options.TableAddress("0").ToString()));
    }

    [Fact]
    public void AServiceUriThatNoServiceFollowsFromIsAConfigurationError()
    {
        Assert.Throws<InvalidOperationException>(() => new AzureAccountOptions { ServiceUri = new Uri("https://blob.example.test/") }.TableAddress("0"));
        Assert.Throws<InvalidOperationException>(() => new AzureAccountOptions().BlobAddress("0"));
        var both = new AzureAccountOptions { BlobServiceUri = new Uri("https://a.test/"), TableServiceUri = new Uri("https://b.test/") };
        Assert.Equal(("https://a.test/", "https://b.test/"), (both.BlobAddress("0").ToString(), both.TableAddress("0").ToString()));
    }

    [Fact]
    public void OptionsAreBoundFromTheirSection()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MailGrains:Storage:Provider"] = "Azure",
            ["MailGrains:Storage:Accounts:0:ConnectionString"] = "UseDevelopmentStorage=true",
            ["MailGrains:Storage:Accounts:1:ServiceUri"] = "https://mail1.blob.core.windows.net",
            ["MailGrains:Storage:Cluster:TableServiceUri"] = "https://cluster.table.core.windows.net",
            ["MailGrains:Storage:StartTimeout"] = "00:01:00",
        }).Build();
        var options = configuration.GetSection(AzureStorageOptions.Section).Get<AzureStorageOptions>()!;
        Assert.Equal(2, options.Accounts.Count);
        Assert.Equal("UseDevelopmentStorage=true", options.Accounts[0].ConnectionString);
        Assert.Equal("mail1.table.core.windows.net", options.Accounts[1].TableAddress("1").Host);
        Assert.Equal("cluster.table.core.windows.net", options.Cluster!.TableAddress("Cluster").Host);
        Assert.Equal(TimeSpan.FromMinutes(1), options.StartTimeout);
    }

    private static AzureStorageOptions Options(params AzuriteAccount[] accounts) =>
        new() { Accounts = [.. accounts.Select(a => new AzureAccountOptions { ConnectionString = a.ConnectionString })] };

    private static Task<StorageAccounts> OpenAsync(AzureStorageOptions options) => AzureStores.OpenAsync(options);

    private static Dictionary<string, TableValue> Value(string text) => new() { ["v"] = text };

    private static string BlobOf(string owner) => "body/" + owner;

    private static async Task WriteAsync(StorageAccounts accounts, string owner, int account)
    {
        await accounts[account].Tables.CommitAsync(TableNames.Mail, owner, [TableOperation.Insert("h", Value(owner))], Token);
        await accounts[account].Blobs.WriteAsync(BlobOf(owner), new MemoryStream([(byte)account]), Token);
    }

    private static async Task<List<string>> DumpAsync(params StorageAccount[] accounts)
    {
        List<string> dump = [];
        foreach (var account in accounts)
        {
            await foreach (var row in account.Tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.All, Token))
            {
                dump.Add($"{account.Number} {row.Partition} {row.Row} {row.ETag}");
            }

            await foreach (var blob in account.Blobs.ListAsync("", Token))
            {
                dump.Add($"{account.Number} {blob.Name} {blob.Length} {blob.Created:O}");
            }
        }

        return dump;
    }
}
