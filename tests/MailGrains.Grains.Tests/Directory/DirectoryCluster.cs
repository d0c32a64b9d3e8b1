using System.Diagnostics.Metrics;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Directory;
using MailGrains.Grains.Mailboxes;
using MailGrains.Grains.Upkeep;
using MailGrains.Storage;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using MailGrains.Testing.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>The directory's and the mailboxes' grains on an embedded store of their own, with faults on order between them.</summary>
public sealed class DirectoryCluster : IAsyncLifetime
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private InProcessTestCluster? _cluster;

    public DirectoryCluster()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        Tables = new FaultingTableStore(_store.Tables);
        Accounts = new StorageAccounts([new StorageAccount(0, Tables, _store.Blobs)], Tables);
    }

    public FaultingTableStore Tables { get; }

    public StorageAccounts Accounts { get; }

    public MeasuredMeters Meters { get; } = new();

    /// <summary>The grains' clock; null: the system's.</summary>
    public TimeProvider? Time { get; init; }

    public IGrainFactory Grains => _cluster!.Client;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.UseInMemoryReminderService();
            if (Time is not null)
            {
                silo.Services.AddKeyedSingleton(TimeProviderNames.Grains, Time);
            }

            silo.Services.AddSingleton<IMeterFactory>(Meters);
            silo.Services.AddSingleton(Accounts);
            silo.Services.AddDirectoryGrains(new PasswordOptions { Iterations = PasswordOptions.MinIterations });
            silo.Services.AddMailboxGrains(
                journals: new JournalOptions { UnknownOutcomeTimeout = TimeSpan.FromSeconds(2) },
                upkeep: new UpkeepOptions { Period = TimeSpan.FromDays(1) },
                startUpkeep: false);
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

    /// <summary>A tenant of a test's own, with a domain.</summary>
    internal async Task<TestTenant> NewTenantAsync(params IReadOnlyList<string> localparts)
    {
        var tenant = new TestTenant(this, $"t{Guid.NewGuid():n}"[..20]);
        Assert.Equal(PutOutcome.Created, await tenant.Grain.PutAsync(new TenantSettings(null), default));
        Assert.Equal(PutOutcome.Created, await tenant.PutDomainAsync(tenant.Domain));
        foreach (var localpart in localparts)
        {
            Assert.Equal(PutOutcome.Created, await tenant.PutMailboxAsync(localpart));
        }

        return tenant;
    }

    public async Task DeactivateAsync(IAddressable grain) => await _cluster!.DeactivateAsync(grain);

    /// <summary>A record of the directory as it stands in the store.</summary>
    internal ValueTask<TableRow?> ReadRowAsync(string partition, string row) =>
        Accounts.Directory.Tables.ReadAsync(TableNames.Directory, partition, row, default);

    /// <summary>
    /// Does something again and again, from where <paramref name="prepare"/> starts it, and each time another of its commits fails; then repeats it
    /// without a fault. Answers how many of its steps could fail.
    /// </summary>
    internal async Task<int> InterruptAsync<T>(
        CommitFault fault, Func<Task<T>> prepare, Func<T, Task> change, Func<T, Task> inspect, Func<T, Task> repeatAndCheck)
    {
        for (var step = 0; ; step++)
        {
            var subject = await prepare();
            var commits = 0;
            var failed = false;
            var at = step;
            Tables.WhenCommitting = (_, _) => Interlocked.Increment(ref commits) - 1 == at ? fault : null;
            try
            {
                await change(subject);
            }
            catch (StoreUnavailableException)
            {
                failed = true;
            }
            finally
            {
                Tables.Heal();
            }

            if (commits <= step)
            {
                Assert.False(failed);
                return step;
            }

            await inspect(subject);
            await repeatAndCheck(subject);
        }
    }
}

/// <summary>One cluster for the tests of the collection, one test at a time.</summary>
[CollectionDefinition(Name)]
public sealed class SharedDirectory : ICollectionFixture<DirectoryCluster>
{
    public const string Name = "directory";
}

/// <summary>What a test asks of one tenant; names without '@' are of its domain.</summary>
internal sealed class TestTenant(DirectoryCluster cluster, string name)
{
    public const string Password = "open sesame";

    public static LoginAttempt Attempt { get; } = new(AccessScope.Pop3, "192.0.2.1");

    public string Name => name;

    public string Domain => name + ".test";

    public ITenantGrain Grain => cluster.Grains.GetGrain<ITenantGrain>(name);

    public AddressName Address(string text) =>
        AddressName.TryParse(text.Contains('@', StringComparison.Ordinal) ? text : $"{text}@{Domain}", out var address)
            ? address
            : throw new ArgumentException($"'{text}' is no address.", nameof(text));

    public IAddressGrain AddressGrain(string text) => cluster.Grains.GetGrain<IAddressGrain>(Address(text).ToString());

    public IAccountGrain Account(string text) => cluster.Grains.GetGrain<IAccountGrain>(AccountKey.Of(name, Address(text)));

    public async Task<PutOutcome> PutDomainAsync(string domain, string? catchAll = null, string? postmaster = null) =>
        await Grain.PutDomainAsync(domain, new DomainSettings(catchAll, postmaster), default);

    public async Task<PutOutcome> PutMailboxAsync(string text, string? password = Password, long? quotaBytes = null, AccountSettings? account = null) =>
        await Grain.PutMailboxAsync(Address(text), new MailboxSettings(password, quotaBytes) { Account = account }, default);

    public async Task<PutOutcome> PutAliasAsync(string text, params IReadOnlyList<string> targets) =>
        await Grain.PutAliasAsync(Address(text), [.. targets.Select(t => Address(t).ToString())], default);

    public async Task<MailboxRecord?> FindMailboxAsync(string text) => await Grain.FindMailboxAsync(Address(text), default);

    public async Task<DeleteOutcome> DeleteMailboxAsync(string text) => await Grain.DeleteMailboxAsync(Address(text), default);

    public async Task<AddressResolution> ResolveAsync(string text) => await AddressGrain(text).ResolveAsync(default);

    public async Task<MailboxId?> LogInAsync(string text, string password = Password) =>
        (await Account(text).LogInAsync(password, Attempt, default)).Account?.Mailbox;

    /// <summary>Whether the mailbox stands and is sound.</summary>
    public async Task<bool> ExistsAsync(MailboxId mailbox)
    {
        Assert.Empty(await MailboxCheck.CheckAsync(cluster.Accounts, mailbox, default));
        return await cluster.Grains.GetGrain<IMailboxGrain>(mailbox.ToString()).GetOverviewAsync(default) is not null;
    }
}
