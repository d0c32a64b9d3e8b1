using System.Net;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Pop3;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Tls;
using MailGrains.Grains;
using MailGrains.Grains.Directory;
using MailGrains.Grains.Senders;
using MailGrains.Grains.Upkeep;
using MailGrains.Storage;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MailGrains.Gateways.Tests;

/// <summary>Both gateways in one silo with all grains, on an embedded store of their own; as the host puts them together.</summary>
public sealed class GatewayCluster : IAsyncLifetime
{
    public const string HostName = "mx.hosting.test";

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private InProcessTestCluster? _cluster;

    public GatewayCluster()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables);
        Blobs = new FaultingBlobStore(_store.Blobs);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, Blobs)], Tables);
    }

    public FaultingTableStore Tables { get; }

    public FaultingBlobStore Blobs { get; }

    public StorageAccounts Accounts { get; }

    /// <summary>What was put into queues.</summary>
    internal RecordedQueues Queues { get; } = new();

    /// <summary>Of the relay networks.</summary>
    public static IPAddress RelayClient { get; } = IPAddress.Parse("10.25.1.2");

    public SmtpGateway Smtp => Services.GetRequiredService<SmtpGateway>();

    public Pop3Gateway Pop3 => Services.GetRequiredService<Pop3Gateway>();

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    public IServiceProvider Services => _cluster!.Silos[0].ServiceProvider;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            silo.AddTableStoreGrainStorage("Default");
            silo.Services.AddSingleton(Accounts);
            silo.Services.AddSingleton(SecretSeal.None);
            silo.Services.AddSingleton(Queues);

            // Queues are recorded here, in its place.
            silo.Services.Configure<Orleans.Configuration.GrainTypeOptions>(options => options.Classes.Remove(typeof(Grains.Queues.DomainQueueGrain)));
            silo.Services.AddDirectoryGrains(new PasswordOptions { Iterations = PasswordOptions.MinIterations });
            silo.Services.AddSenderGrains();
            silo.Services.AddMailboxGrains(upkeep: new UpkeepOptions { Period = TimeSpan.FromDays(1) }, startUpkeep: false);
            silo.Services.AddMailGateways(
                new GatewayOptions { HostName = HostName, MaxMessageBytes = 4 * 1024 * 1024, SrsKeys = ["an SRS key of tests"] },
                new ConnectionOptions { ReverseNames = false, RelayNetworks = new NetworkList([IPNetwork.Parse("10.25.0.0/16")]) },
                new TlsOptions { HostName = HostName });
            silo.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<Pop3Gateway>(services, new QuickTime()));
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        await Services.GetRequiredService<CertificateStore>().RefreshAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The messages of a mailbox's INBOX; null where there is no such mailbox.</summary>
    public async Task<IReadOnlyList<MessageEntry>?> ListAsync(MailboxId mailbox) =>
        (await Grains.GetGrain<IMailboxGrain>(mailbox.ToString()).ListMessagesAsync(1, 0, MailboxLimits.MaxPage, default))?.Messages;

    /// <summary>The blobs of a tenant's bodies.</summary>
    public async Task<IReadOnlyList<BlobItem>> BlobsAsync(string tenant)
    {
        var blobs = new List<BlobItem>();
        await foreach (var blob in Accounts[0].Blobs.ListAsync($"body/{TableKey.Encode(tenant)}/", default))
        {
            blobs.Add(blob);
        }

        return blobs;
    }

    /// <summary>The keys of a blob's holder rows.</summary>
    public async Task<IReadOnlyList<string>> HoldersAsync(string blob)
    {
        var rows = new List<string>();
        await foreach (var row in Accounts[0].Tables.ReadRowsAsync(TableNames.Mail, "blobref:" + TableKey.Encode(blob), KeyRange.All, default))
        {
            rows.Add(row.Row);
        }

        return rows;
    }
}

/// <summary>Waits a hundredth of the time, so that a failed login does not hold a test up.</summary>
internal sealed class QuickTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 100 : dueTime, period);
}

/// <summary>One cluster for the tests of the collection, one test at a time.</summary>
[CollectionDefinition(Name)]
public sealed class SharedGateways : ICollectionFixture<GatewayCluster>
{
    public const string Name = "gateways";
}
