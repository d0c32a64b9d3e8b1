using System.Collections.Concurrent;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Upkeep;
using MailGrains.Grains.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Grains.Senders;
using MailGrains.Grains.Upkeep;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using MailGrains.Testing.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;
using Orleans.TestingHost;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>One silo on an embedded store of its own, with faults on order between them and a clock that stands still.</summary>
public class MailboxCluster : IAsyncLifetime
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private readonly ConcurrentDictionary<object, Func<string, IReadOnlyList<TableOperation>, CommitFault?>> _watches = [];
    private InProcessTestCluster? _cluster;

    public MailboxCluster()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables)
        {
            WhenCommitting = (partition, operations) => _watches.Values.Select(w => w(partition, operations)).FirstOrDefault(f => f is not null),
        };
        Blobs = new FaultingBlobStore(_store.Blobs);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, Blobs)], Tables);
        Bodies = new BodyBlobs(Accounts, Time);
    }

    public FaultingTableStore Tables { get; }

    public FaultingBlobStore Blobs { get; }

    public StorageAccounts Accounts { get; }

    public BodyBlobs Bodies { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public MeasuredMeters Meters { get; } = new();

    public IGrainFactory Grains => _cluster!.Client;

    public MailboxStores Stores => _cluster!.Silos[0].ServiceProvider.GetRequiredService<MailboxStores>();

    public IUpkeepGrain Upkeep => Grains.GetGrain<IUpkeepGrain>(0);

    protected virtual MailboxOptions Mailboxes => new();

    protected virtual JournalOptions Journals => new() { UnknownOutcomeTimeout = TimeSpan.FromSeconds(2) };

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            silo.AddTableStoreGrainStorage("Default");
            silo.Services.AddKeyedSingleton<TimeProvider>(TimeProviderNames.Grains, Time);
            silo.Services.AddSingleton<System.Diagnostics.Metrics.IMeterFactory>(Meters);
            silo.Services.AddSingleton(Accounts);
            silo.Services.AddSingleton(Bodies);
            silo.Services.AddSingleton(new BodySweeper(Accounts, Time));
            silo.Services.AddMailboxGrains(Mailboxes, Journals, new UpkeepOptions { Period = TimeSpan.FromDays(1) }, startUpkeep: false);
            silo.Services.AddSenderGrains();
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        Meters.Dispose();
        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    public IMailboxGrain Mailbox(MailboxId id) => Grains.GetGrain<IMailboxGrain>(id.ToString());

    public IMailboxUpkeep UpkeepOf(MailboxId id) => Grains.GetGrain<IMailboxUpkeep>(id.ToString());

    /// <summary>A new mailbox that is checked when the test ends.</summary>
    public async Task<TestMailbox> CreateAsync(long quotaBytes = 0)
    {
        var mailbox = new TestMailbox(this, MailboxId.New("tenant", 0));
        Assert.True(await mailbox.Grain.CreateAsync(quotaBytes, default));
        return mailbox;
    }

    /// <summary>Ends the activation, so that the next call reads what is stored.</summary>
    public async Task DeactivateAsync(IAddressable grain) => await _cluster!.DeactivateAsync(grain);

    /// <summary>The same for a mailbox.</summary>
    public async Task ReactivateAsync(MailboxId id) => await _cluster!.DeactivateAsync((IAddressable)Mailbox(id));

    /// <summary>Sees the transactions of a mailbox, until it is disposed of.</summary>
    public TransactionCount Count(MailboxId id)
    {
        var count = new TransactionCount();
        var partition = BodyHolder.PartitionOf(id);
        count.End = Fault((where, operations) =>
        {
            count.Add(where == partition, operations);
            return null;
        });
        return count;
    }

    /// <summary>Fails commits until it is disposed of.</summary>
    public IDisposable Fault(Func<string, IReadOnlyList<TableOperation>, CommitFault?> fault)
    {
        var key = new object();
        _watches[key] = fault;
        return new End(() => _watches.TryRemove(key, out _));
    }

    /// <summary>Fails the commits of a mailbox.</summary>
    public IDisposable Fault(MailboxId id, Func<IReadOnlyList<TableOperation>, CommitFault?> fault)
    {
        var partition = BodyHolder.PartitionOf(id);
        return Fault((where, operations) => where == partition ? fault(operations) : null);
    }

    /// <summary>Fails all reads of tables until it is disposed of.</summary>
    public IDisposable Unreadable()
    {
        Tables.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "Busy.");
        return new End(() => Tables.BeforeRead = null);
    }

    /// <summary>Waits until that many commits are held.</summary>
    public async Task UntilHeldAsync(int commits = 1)
    {
        while (Tables.HeldCommits < commits)
        {
            await Task.Delay(1);
        }
    }

    /// <summary>Lets the clock run until the task is done: back-offs and time-outs pass.</summary>
    public async Task<T> PassTimeAsync<T>(Task<T> task)
    {
        while (!task.IsCompleted)
        {
            Time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.WhenAny(task, Task.Delay(1));
        }

        return await task;
    }

    /// <summary>A second activation of the mailbox, on another silo, as it were.</summary>
    public async Task CommitAsAnotherWriterAsync(MailboxId id, MailboxDelivery delivery)
    {
        var journal = new Journal<MailboxState, MailboxDraft>(
            Accounts[0], BodyHolder.PartitionOf(id), () => new MailboxState(new SegmentBudget(0)), Journals, Time, NullLogger.Instance);
        await journal.LoadAsync(default);
        await journal.CommitAsync(
            new JournalCall<MailboxDraft, DeliveryDecision>(
                draft => new(draft.Deliver(delivery, Time.GetUtcNow()), true), MessageRows.Of(delivery), MailboxEvents.MaxDeliveredBytes([], 0)),
            default);
    }

    public async Task<bool> HasRowAsync(MailboxId id, string row) =>
        await Accounts[0].Tables.ReadAsync(TableNames.Mail, BodyHolder.PartitionOf(id), row, default) is not null;
}

/// <summary>Transactions that a mailbox has asked for.</summary>
public sealed class TransactionCount : IDisposable
{
    private int _transactions;
    private long _bytes;

    public int Transactions => Volatile.Read(ref _transactions);

    /// <summary>As encoded.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    internal IDisposable? End { get; set; }

    public void Dispose() => End?.Dispose();

    internal void Add(bool isOurs, IReadOnlyList<TableOperation> operations)
    {
        if (isOurs)
        {
            Interlocked.Increment(ref _transactions);
            Interlocked.Add(ref _bytes, operations.Sum(o => (long)TableLimits.EncodedSize(o.Row, o.Properties)));
        }
    }
}

internal sealed class End(Action end) : IDisposable
{
    public void Dispose() => end();
}

/// <summary>One cluster for the tests of the collection, one test at a time.</summary>
[CollectionDefinition(Name)]
public sealed class SharedCluster : ICollectionFixture<MailboxCluster>
{
    public const string Name = "mailboxes";
}

/// <summary>A mailbox of one test's own; its stored state is checked at the end.</summary>
public sealed class TestMailbox(MailboxCluster cluster, MailboxId id) : IAsyncDisposable
{
    public MailboxId Id => id;

    public IMailboxGrain Grain => cluster.Mailbox(id);

    public async Task<DeliveryResult> DeliverAsync(string content = "Subject: hello\r\n\r\nhi\r\n", DeliveryId? deliveryId = null) =>
        await Grain.DeliverAsync(Delivery(content, deliveryId), default);

    public MailboxDelivery Delivery(string content = "Subject: hello\r\n\r\nhi\r\n", DeliveryId? deliveryId = null) =>
        TestMail.Delivery(content, cluster.Time.GetUtcNow(), deliveryId);

    /// <summary>Delivers that many small messages; answers their UIDs in INBOX.</summary>
    public async Task<uint[]> FillAsync(int count)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => DeliverAsync($"Subject: {i}\r\n\r\n{i}\r\n")));
        Assert.All(results, r => Assert.Equal(DeliveryStatus.Delivered, r.Status));
        return [.. (await ListAsync()).Select(m => m.Uid)];
    }

    public async Task<IReadOnlyList<MessageEntry>> ListAsync(int folder = 1)
    {
        var all = new List<MessageEntry>();
        while (true)
        {
            var page = (await Grain.ListMessagesAsync(folder, all.Count == 0 ? 0 : all[^1].Uid, MailboxLimits.MaxPage, default))!;
            all.AddRange(page.Messages);
            if (!page.More)
            {
                return all;
            }
        }
    }

    public async Task<FolderOverview> InboxAsync() => (await Grain.GetOverviewAsync(default))!.Folders[0];

    public async ValueTask DisposeAsync()
    {
        await cluster.ReactivateAsync(id);
        Assert.Empty(await MailboxCheck.CheckAsync(cluster.Accounts, id, default));
    }
}
