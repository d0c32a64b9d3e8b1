using MailGrains.Contracts.Directory;
using MailGrains.Grains.Directory;
using MailGrains.Storage;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>
/// One or two clusters of one silo over one real store. Two clusters know nothing of each other: each grain then has two activations, as
/// Orleans may briefly have after a network split.
/// </summary>
public sealed class DirectoryCluster : IAsyncDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "mailgrains-directory-" + Guid.NewGuid().ToString("n"));
    private readonly List<InProcessTestCluster> _clusters = [];
    private readonly SqliteStore _store;

    private DirectoryCluster()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, _store.Blobs)], Tables);
    }

    public FaultingTableStore Tables { get; }

    public StorageAccounts Accounts { get; }

    public IGrainFactory Grains => _clusters[0].Client;

    /// <summary>The second cluster's grains.</summary>
    public IGrainFactory Others => _clusters[1].Client;

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<DirectoryCluster> StartAsync(int clusters = 1, int silos = 1)
    {
        var started = new DirectoryCluster();
        for (var i = 0; i < clusters; i++)
        {
            var builder = new InProcessTestClusterBuilder((short)silos);
            builder.Options.ConfigureFileLogging = false;
            builder.ConfigureSilo((_, silo) =>
            {
                silo.Services.AddSingleton(started.Accounts);
                silo.Services.AddDirectoryGrains(new PasswordOptions { Iterations = PasswordOptions.MinIterations });
            });
            var cluster = builder.Build();
            started._clusters.Add(cluster);
            await cluster.DeployAsync();
        }

        return started;
    }

    /// <summary>A tenant of a new name, with domains.</summary>
    public async Task<ITenantGrain> MakeTenantAsync(params string[] domains)
    {
        var tenant = Grains.GetGrain<ITenantGrain>("t-" + Guid.NewGuid().ToString("n"));
        Assert.Equal(PutOutcome.Created, await tenant.PutAsync(new TenantSettings(null), Cancellation));
        foreach (var domain in domains)
        {
            Assert.Equal(PutOutcome.Created, await tenant.PutDomainAsync(domain, new DomainSettings(null, null), Cancellation));
        }

        return tenant;
    }

    public static AddressName Address(string text) => AddressName.TryParse(text, out var address) ? address : throw new FormatException(text);

    public ValueTask<AddressResolution> ResolveAsync(string address) => ResolveAsync(Grains, address);

    public static ValueTask<AddressResolution> ResolveAsync(IGrainFactory grains, string address) =>
        grains.GetGrain<IAddressGrain>(Address(address).ToString()).ResolveAsync(Cancellation);

    /// <summary>Lets every activation go, as a crash of the silo would.</summary>
    public async Task ForgetAsync()
    {
        foreach (var cluster in _clusters)
        {
            await cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        }
    }

    public Task<IReadOnlyList<TableRow>> RowsAsync() => RowsAsync(_store.Tables);

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters)
        {
            await cluster.DisposeAsync();
        }

        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    private static async Task<IReadOnlyList<TableRow>> RowsAsync(ITableStore tables)
    {
        var rows = new List<TableRow>();
        await foreach (var row in tables.ReadPartitionsAsync(TableNames.Directory, KeyRange.All, Cancellation))
        {
            rows.Add(row);
        }

        return rows;
    }
}
