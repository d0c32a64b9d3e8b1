using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Storage;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MailGrains.Grains.Tests.Relay.Limits;

/// <summary>Activations of a site that end, as they do when a silo stops, or one ends that knew where the activation is.</summary>
public sealed class DestinationGrainTests : IAsyncLifetime
{
    private const string Limited = "limited.example.com";

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private readonly FaultingTableStore _tables;
    private readonly InProcessTestCluster _cluster;
    private readonly Guid _first = Guid.NewGuid();
    private readonly Guid _second = Guid.NewGuid();
    private long _number;

    public DestinationGrainTests()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        _tables = new FaultingTableStore(_store.Tables);
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(new StorageAccounts([new StorageAccount(0, _tables, _store.Blobs)], _tables));
            silo.Services.AddSingleton(new DestinationOptions { Sites = [new SiteLimits(Limited) { Messages = 10 }] });
        });
        _cluster = builder.Build();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IDestinationGrain Site => SiteOf("mx.example.com");

    public async ValueTask InitializeAsync()
    {
        await _cluster.DeployAsync();

        // The first calls of a process on a busy machine may take longer than they are waited for.
        for (var isAnswered = false; !isAnswered;)
        {
            try
            {
                await AskAsync(_first, 0, 1, site: "first.example.com");
                isAnswered = true;
            }
            catch (TimeoutException)
            {
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_was_leased_is_known_to_the_next_activation_which_need_not_wait()
    {
        var before = await AskAsync(_first, 0, 12);
        await _cluster.DeactivateAsync(Site);

        var other = await AskAsync(_second, 0, 20);
        Assert.Equal((LeaseStatus.Leased, 8), (other.Status, other.Granted));
        Assert.NotEqual(before.Epoch, other.Epoch);
        var renewed = await AskAsync(_first, 12, 12, before.Epoch);
        Assert.Equal((LeaseStatus.Leased, 12), (renewed.Status, renewed.Granted));
    }

    [Fact]
    public async Task It_is_known_to_the_one_after_that_too()
    {
        await AskAsync(_first, 0, 12);
        await _cluster.DeactivateAsync(Site);
        await AskAsync(_second, 0, 2);
        await _cluster.DeactivateAsync(Site);

        Assert.Equal(6, (await AskAsync(Guid.NewGuid(), 0, 20)).Granted);
    }

    [Fact]
    public async Task It_is_not_believed_any_more_once_somebody_has_leased_on()
    {
        await AskAsync(_first, 0, 12);
        await _cluster.DeactivateAsync(Site);
        await AskAsync(_second, 0, 8);
        _tables.Fail(CommitFault.Unavailable);
        await _cluster.DeactivateAsync(Site);

        Assert.Equal(LeaseRefusal.TakingOver, (await AskAsync(Guid.NewGuid(), 0, 20)).Refusal);
    }

    [Fact]
    public async Task It_is_known_where_the_next_one_never_heard_that_its_place_was_written()
    {
        await AskAsync(_first, 0, 12);
        await _cluster.DeactivateAsync(Site);
        _tables.Fail(CommitFault.LostAfter);

        Assert.Equal(8, (await AskAsync(_second, 0, 20)).Granted);
    }

    [Fact]
    public async Task What_was_sent_is_known_too()
    {
        var before = await AskAsync(_first, 0, 1, site: Limited, also: ask => ask with { MessagesWanted = 10 });
        Assert.Equal((1, 10), (before.Granted, before.Messages));
        await _cluster.DeactivateAsync(SiteOf(Limited));

        var other = await AskAsync(_second, 0, 1, site: Limited, also: ask => ask with { MessagesWanted = 10 });
        Assert.Equal((1, 0), (other.Granted, other.Messages));
    }

    [Fact]
    public async Task Where_the_store_did_not_take_it_the_next_one_waits()
    {
        await AskAsync(_first, 0, 12);
        _tables.Fail(CommitFault.Unavailable);
        await _cluster.DeactivateAsync(Site);

        var reply = await AskAsync(_second, 0, 20);
        Assert.Equal((0, LeaseRefusal.TakingOver), (reply.Granted, reply.Refusal));
    }

    [Fact]
    public async Task What_comes_to_the_store_late_counts_only_where_nobody_has_taken_over()
    {
        await AskAsync(_first, 0, 12);
        _tables.Fail(CommitFault.Delayed);
        await _cluster.DeactivateAsync(Site);
        await _tables.LandDelayedAsync(Cancellation);
        Assert.Equal(8, (await AskAsync(_second, 0, 20)).Granted);

        _tables.Fail(CommitFault.Delayed);
        await _cluster.DeactivateAsync(Site);
        Assert.Equal(LeaseRefusal.TakingOver, (await AskAsync(_second, 0, 20)).Refusal);
        await _tables.LandDelayedAsync(Cancellation);
        await _cluster.DeactivateAsync(Site);
        Assert.Equal(LeaseRefusal.TakingOver, (await AskAsync(_second, 0, 20)).Refusal);
    }

    [Fact]
    public async Task One_that_has_to_wait_itself_leaves_nothing()
    {
        await AskAsync(_first, 0, 12);
        _tables.Fail(CommitFault.Unavailable);
        await _cluster.DeactivateAsync(Site);
        await AskAsync(_second, 0, 20);
        await _cluster.DeactivateAsync(Site);

        Assert.Equal(LeaseRefusal.TakingOver, (await AskAsync(_second, 0, 20)).Refusal);
    }

    [Fact]
    public async Task Where_nothing_is_leased_no_row_stays()
    {
        var commits = new List<IReadOnlyList<TableOperation>>();
        _tables.WhenCommitting = (_, operations) =>
        {
            commits.Add(operations);
            return null;
        };
        await AskAsync(_first, 0, 1);
        await AskAsync(_first, 0, 0);
        await _cluster.DeactivateAsync(Site);

        Assert.Equal([TableOperationKind.Insert, TableOperationKind.Delete], commits.Select(operations => Assert.Single(operations).Kind));
    }

    private IDestinationGrain SiteOf(string key) => _cluster.Client.GetGrain<IDestinationGrain>(key);

    private async Task<LeaseReply> AskAsync(
        Guid silo, int held, int wanted, Guid epoch = default, string site = "mx.example.com", Func<LeaseAsk, LeaseAsk>? also = null)
    {
        var ask = new LeaseAsk(silo, "silo", ++_number, epoch, held, held, wanted);
        return await SiteOf(site).RenewAsync(also?.Invoke(ask) ?? ask, Cancellation);
    }
}
