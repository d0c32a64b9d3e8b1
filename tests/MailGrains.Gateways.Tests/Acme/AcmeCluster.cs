using System.Collections.Concurrent;
using System.Net;
using MailGrains.Contracts.Certificates;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Acme;
using MailGrains.Grains;
using MailGrains.Grains.Directory;
using MailGrains.Messages.Dns;
using MailGrains.Storage;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Daemons;
using MailGrains.Testing.Faults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.TestingHost;

namespace MailGrains.Gateways.Tests.Acme;

/// <summary>The grain on a store of its own, a Pebble, and a second process' answers to challenges.</summary>
public sealed class AcmeCluster : IAsyncLifetime
{
    public const string HostName = "mx.hosting.test";
    public const string Tenant = "tenant";

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private InProcessTestCluster? _cluster;
    private WebApplication? _web;

    public AcmeCluster()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, _store.Blobs)], Tables);
    }

    public FaultingTableStore Tables { get; }

    public StorageAccounts Accounts { get; }

    public PebbleServer Pebble { get; private set; } = null!;

    public ICertificateGrain Grain => Services.GetRequiredService<IGrainFactory>().GetGrain<ICertificateGrain>(0);

    public ITenantGrain TenantGrain(string name = Tenant) => Services.GetRequiredService<IGrainFactory>().GetGrain<ITenantGrain>(name);

    public IServiceProvider Services => _cluster!.Silos[0].ServiceProvider;

    internal CertificateRows Rows => new(Accounts, SecretSeal.None);

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton(new ChallengeAnswers(new ChallengeRows(Accounts, TimeProvider.System), TimeProvider.System));
        _web = builder.Build();
        _web.Use((context, next) => Unanswered.ContainsKey(context.Request.Host.Host) ? Task.CompletedTask : next(context));
        _web.MapAcmeChallenges();
        await _web.StartAsync();
        Http = new Uri(_web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Pebble = await PebbleServer.StartAsync(Http.Port);

        var cluster = new InProcessTestClusterBuilder(1);
        cluster.Options.ConfigureFileLogging = false;
        cluster.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            silo.AddTableStoreGrainStorage("Default");
            silo.Services.AddSingleton(Accounts);
            silo.Services.AddSingleton(SecretSeal.None);
            silo.Services.AddSingleton(new DnsResolver(new DnsResolverOptions { Servers = [Pebble.Dns] }));
            silo.Services.AddDirectoryGrains(new PasswordOptions { Iterations = PasswordOptions.MinIterations });
            silo.Services.AddMailboxGrains(startUpkeep: false);
            silo.Services.AddQueueGrains();
            silo.Services.AddAcme(new AcmeOptions
            {
                Directory = Pebble.Directory,
                Names = [HostName],
                PublicAddresses = [IPAddress.Loopback],
                TrustedRoot = File.ReadAllText(Pebble.TrustedRoot),
            });
        });
        _cluster = cluster.Build();
        await _cluster.DeployAsync();
        await TenantGrain().PutAsync(new TenantSettings(null), default);
    }

    /// <summary>Names whose challenges get an empty answer.</summary>
    public ConcurrentDictionary<string, bool> Unanswered { get; } = new(StringComparer.Ordinal);

    /// <summary>Where challenges are answered.</summary>
    public Uri Http { get; private set; } = null!;

    /// <summary>Runs the grain's work once, in this call.</summary>
    internal async Task RunAsync(params CertificateKey[] wanted)
    {
        using var run = NewRun(wanted);
        await RunAsync(run, NewWalk(), TestContext.Current.CancellationToken);
    }

    /// <summary>In turns, one after another, as in a grain: a run counts on that.</summary>
    internal static Task RunAsync(CertificateRun run, DomainWalk? walk, CancellationToken cancellationToken) => Task.Factory.StartNew(
        () => run.RunAsync(walk, cancellationToken), cancellationToken, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap();

    internal DomainWalk NewWalk() => new(Services.GetRequiredService<IGrainFactory>(), Services.GetRequiredService<ILogger<CertificateGrain>>());

    internal CertificateRun NewRun(params CertificateKey[] wanted) => new(
        Services.GetRequiredService<CertificateParts>(), Services.GetRequiredService<IGrainFactory>(), TimeProvider.System,
        Services.GetRequiredService<ILogger<CertificateGrain>>(), wanted.ToHashSet());

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        if (Pebble is not null)
        {
            await Pebble.DisposeAsync();
        }

        if (_web is not null)
        {
            await _web.DisposeAsync();
        }

        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }
}
