using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Directory;
using MailGrains.Grains.Notices;
using MailGrains.Grains.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using MailGrains.Testing.Metrics;
using MailGrains.Testing.Orleans;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Orleans.Reminders;
using Orleans.Runtime;
using Orleans.TestingHost;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>One silo, or more, with queues on an embedded store of its own, a sender that does as it is told, and a clock that stands still.</summary>
public sealed class QueueCluster : IAsyncLifetime
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private readonly short _silos;
    private InProcessTestCluster? _cluster;
    private int _numbers;

    public QueueCluster()
        : this(1)
    {
    }

    internal QueueCluster(short silos)
    {
        _silos = silos;
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, _store.Blobs)], Tables);
        Bodies = new BodyBlobs(Accounts, Time);
    }

    public FaultingTableStore Tables { get; }

    public StorageAccounts Accounts { get; }

    public BodyBlobs Bodies { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public MeasuredMeters Meters { get; } = new();

    public LoggedLines Logged { get; } = new();

    public SenderScript Sender { get; } = new();

    public QueueOptions Options { get; } = new() { Jitter = 0 };

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(_silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseTableStoreReminders();
            silo.AddTableStoreGrainStorage("Default");
            silo.Services.AddKeyedSingleton<TimeProvider>(TimeProviderNames.Grains, Time);
            silo.Services.AddKeyedSingleton<TimeProvider>(ReminderTimeProviderNames.Reminders, new ReminderClock(Time));
            silo.Services.AddSingleton<System.Diagnostics.Metrics.IMeterFactory>(Meters);
            silo.Services.AddSingleton(Accounts);
            silo.Services.AddSingleton(Bodies);
            silo.Services.AddSingleton(Sender);
            silo.Services.AddDirectoryGrains();
            silo.Services.AddMailboxGrains(startUpkeep: false);
            silo.Services.AddQueueGrains(Options, new NoticeOptions { HostName = "us.test" });
            silo.Services.AddSingleton<ILoggerProvider>(Logged);

            // The scripted one takes its place.
            silo.Services.Configure<Orleans.Configuration.GrainTypeOptions>(options => options.Classes.Remove(typeof(Grains.Relay.RelayGrain)));
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        Meters.Dispose();
        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A queue that no other test uses; what is stored of it is checked when the test ends.</summary>
    public TestQueue NewQueue(string tenant = "tenant") => new(this, new QueueId(tenant, 0, $"q{Interlocked.Increment(ref _numbers)}.example", 0));

    public SiloAddress FirstSilo => _cluster!.Silos[0].SiloAddress;

    public IGrainFactory Grains => _cluster!.Client;

    public IDomainQueueGrain Queue(QueueId id) => _cluster!.Client.GetGrain<IDomainQueueGrain>(id.ToString());

    public IQueueWatchGrain Watch => _cluster!.Client.GetGrain<IQueueWatchGrain>(0);

    public IQueueCatalogGrain Catalog => _cluster!.Client.GetGrain<IQueueCatalogGrain>(0);

    /// <summary>Ends the activation, so that the next call reads what is stored.</summary>
    public async Task DeactivateAsync(QueueId id) => await _cluster!.DeactivateAsync((IAddressable)Queue(id));

    /// <summary>As when a silo has ended.</summary>
    public async Task RecoverAsync()
    {
        // Another activation does not know what was recovered before.
        var recovery = _cluster!.Client.GetGrain<IQueueRecoveryGrain>(0);
        await _cluster.DeactivateAsync((IAddressable)recovery);
        var membership = _cluster.Silos[0].ServiceProvider.GetRequiredService<IClusterMembershipService>();
        await recovery.RecoverAsync(membership.CurrentSnapshot.Version.Value, TestContext.Current.CancellationToken);
    }

    /// <summary>The silo whose memory has it; null: none.</summary>
    public async Task<SiloAddress?> SiloOfAsync(QueueId id)
    {
        var all = await _cluster!.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics();
        return all.FirstOrDefault(grain => grain.GrainId == ((IAddressable)Queue(id)).GetGrainId())?.SiloAddress;
    }

    public async Task KillAsync(SiloAddress silo) => await _cluster!.KillSiloAsync(_cluster.Silos.Single(one => one.SiloAddress.Equals(silo)));

    public async Task<bool> HasReminderAsync(QueueId id)
    {
        var table = _cluster!.Silos[0].ServiceProvider.GetRequiredService<IReminderTable>();
        return (await table.ReadRows(((IAddressable)Queue(id)).GetGrainId(), default)).Reminders.Count > 0;
    }

    /// <summary>
    /// Lets the clock run until something is so. Orleans has waits of its own that no clock of a test shortens: who cancels a call that has just ended keeps the
    /// grain from leaving memory for three seconds, and its callers wait so long. So the clock goes slowly after a while.
    /// </summary>
    public async Task UntilAsync(Func<bool> isSo, TimeSpan? step = null)
    {
        const int Fast = 3_000;
        const int Most = 6_000;
        for (var turn = 0; !isSo(); turn++)
        {
            Assert.True(turn < Most, "It never came to be.");
            if (turn >= Fast)
            {
                await Task.Delay(5);
            }

            await AdvanceAsync(step ?? TimeSpan.FromMilliseconds(5));
        }
    }

    /// <summary>
    /// Sets the clock on, and lets what that sets off get on until the store has nothing to do for two turns: behind a commit in the same store, and behind what is due on
    /// the same threads. So on a busy machine the clock goes slowly too, and what takes a store's time does not take the clock's, which would be too long for it.
    /// </summary>
    public async Task AdvanceAsync(TimeSpan step)
    {
        const int MostTurns = 100;
        Time.Advance(step);
        for (var (turn, quiet) = (0, 0); quiet < 2 && turn < MostTurns; turn++)
        {
            var before = Passed;
            await _store.Tables.CommitAsync(
                TableNames.Mail, "pace", [TableOperation.Upsert("row", new RowProperties([new("n", (long)turn)]))], CancellationToken.None);
            await Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.PreferFairness, TaskScheduler.Default);
            quiet = Passed == before ? quiet + 1 : 0;
        }
    }

    private long Passed => Tables.Commits + Tables.Conflicts + Tables.Reads + Tables.RangeReads;
}

/// <summary>One cluster for the tests of the collection, one test at a time.</summary>
[CollectionDefinition(Name)]
public sealed class SharedQueues : ICollectionFixture<QueueCluster>
{
    public const string Name = "queues";
}

/// <summary>A queue of one test's own.</summary>
public sealed class TestQueue(QueueCluster cluster, QueueId id) : IAsyncDisposable
{
    public QueueId Id => id;

    public IDomainQueueGrain Grain => cluster.Queue(id);

    public SenderScript.QueueScript Sender => cluster.Sender.Of(id);

    public QueuedMessage Message(params string[] recipients) => Message("ann@here.test", recipients);

    public QueuedMessage Message(string sender, string[] recipients)
    {
        var content = Encoding.ASCII.GetBytes($"Message-ID: <{Guid.NewGuid():n}@here.test>\r\nSubject: hello\r\n\r\nhi\r\n");
        var now = cluster.Time.GetUtcNow();
        var email = EmailId.New(now);
        var hash = System.Security.Cryptography.SHA256.HashData(content);
        return new QueuedMessage(
            email, email.ToString(), sender,
            [.. (recipients.Length == 0 ? ["bob"] : recipients).Select(r => $"{r}@{id.Domain}").Select(r => new QueuedRecipient(r, DeliveryId.Of(sender, r, hash)))],
            "Received: from here\r\n"u8.ToArray(), new MessageBody(content.Length, content, null), [1, 2, 3], 42, now);
    }

    public async Task<QueuedMessage> EnqueueAsync(params string[] recipients)
    {
        var message = Message(recipients);
        Assert.Equal(EnqueueStatus.Queued, (await Grain.EnqueueAsync(message, default)).Status);
        return message;
    }

    /// <summary>As the sender of the cluster's first silo, or of another.</summary>
    public async Task<bool> ClaimAsync(EmailId email, int attempt, SiloAddress? sender = null) =>
        await Grain.ClaimAsync(email, attempt, sender ?? cluster.FirstSilo, default);

    public async Task<IReadOnlyList<QueuedEntry>> ListAsync() => (await Grain.ListAsync(null, QueuePage.MaxLimit, default)).Messages;

    /// <summary>Waits until nothing is left in the queue.</summary>
    public Task EmptyAsync(TimeSpan? step = null) =>
        cluster.UntilAsync(() => Task.Run(async () => (await Grain.GetOverviewAsync(default)).Messages).GetAwaiter().GetResult() == 0, step);

    /// <summary>Ends the activation: what the next one knows is what is stored.</summary>
    public Task ForgetAsync() => cluster.DeactivateAsync(id);

    public async ValueTask DisposeAsync()
    {
        // It may be about to commit that it is the owner.
        await ForgetAsync();
        Assert.Empty(await QueueCheck.CheckAsync(cluster.Accounts, id, default));
        Assert.Empty(Sender.Doubled);
    }
}
