using MailGrains.Grains;
using MailGrains.Grains.Directory;
using MailGrains.Grains.Queues;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Grains.Senders;
using MailGrains.Grains.Upkeep;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Storage;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.TestingHost;
using DestinationLookupOptions = MailGrains.Grains.Relay.Destinations.DestinationOptions;

namespace MailGrains.Web.Tests;

/// <summary>The directory's grains on an embedded store of their own, and a web host in front of them.</summary>
public sealed class WebCluster : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private InProcessTestCluster? _cluster;
    private WebHost? _web;

    public WebCluster()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables);
    }

    public FaultingTableStore Tables { get; }

    /// <summary>What the world says.</summary>
    public DnsServer Dns { get; } = DnsServer.Start();

    private static RelayRoutes Routes { get; } = new(
    [
        new RelayRoute("smart.example") { Hosts = ["192.0.2.9"], Port = 2525, Tls = RouteTls.Required, User = "me", Password = "open sesame" },
        new RelayRoute("*.no.example") { Action = RouteAction.Reject, Reason = "not from here" },
    ]);

    public IGrainFactory Grains => _cluster!.Client;

    /// <summary>A host that forgives wrong keys.</summary>
    internal WebHost Web => _web!;

    public async ValueTask InitializeAsync()
    {
        var accounts = new StorageAccounts([new StorageAccount(0, Tables, _store.Blobs)], Tables);
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            silo.AddTableStoreGrainStorage("Default");
            silo.AddDashboard(dashboard => dashboard.HideTrace = true);
            silo.Services.AddSingleton(accounts);
            silo.Services.AddDirectoryGrains(new PasswordOptions { Iterations = PasswordOptions.MinIterations });
            silo.Services.AddSenderGrains();
            silo.Services.AddQueueGrains(new QueueOptions { Shards = 3 });

            // Nothing leaves: the sender of these queues never has room. Where it would go can be asked.
            silo.Services.Configure<GrainTypeOptions>(options => options.Classes.Remove(typeof(RelayGrain)));
            silo.Services.AddRelay(
                new RelayOptions { Smtp = new SmtpClientOptions { HelloName = "here.test" }, Routes = Routes },
                new DestinationLookupOptions { DnsServers = [Dns.EndPoint], StsPolicies = false, TrustAuthenticatedData = true }, new DestinationOptions());
            silo.Services.AddMailboxGrains(upkeep: new UpkeepOptions { Period = TimeSpan.FromDays(1) }, startUpkeep: false);
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        _web = await StartAsync(new AdminOptions { ApiKey = WebHost.Key, MaxFailures = 1_000 });
    }

    /// <summary>A web host of a test's own.</summary>
    internal Task<WebHost> StartAsync(AdminOptions options, TimeProvider? time = null) => WebHost.StartAsync(_cluster!.Client, options, time);

    public async ValueTask DisposeAsync()
    {
        if (_web is not null)
        {
            await _web.DisposeAsync();
        }

        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        await Dns.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>One cluster for the tests of the collection, one test at a time.</summary>
[CollectionDefinition(Name)]
public sealed class SharedWeb : ICollectionFixture<WebCluster>
{
    public const string Name = "web";
}
