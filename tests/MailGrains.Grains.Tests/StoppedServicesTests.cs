using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Upkeep;
using MailGrains.Grains.Alarms;
using MailGrains.Grains.Queues;
using MailGrains.Grains.Upkeep;
using MailGrains.Storage;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Orleans;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Grains.Tests;

/// <summary>Services that see to it that a grain runs: where the silo goes in the middle of their call they end, and the host does not count it as a failure.</summary>
public sealed class StoppedServicesTests
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_watch_of_alarms_ends()
    {
        var time = new FakeTimeProvider();
        var grain = Answering.Make<IQueueWatchGrain>(call => new ValueTask<QueueWatch>(FailAsync<QueueWatch>((CancellationToken)call.Arguments[^1]!)));
        using var watch = new AlarmWatch(Answering.Make<IGrainFactory>(_ => grain), [], time, NullLogger<AlarmWatch>.Instance);

        await StopAsync(watch, time);
    }

    [Fact]
    public async Task The_start_of_the_upkeep_ends()
    {
        var account = new StorageAccount(0, Answering.Make<ITableStore>(_ => null), Answering.Make<IBlobStore>(_ => null));
        using var start = new UpkeepStart(
            Factory<IUpkeepGrain>(), new StorageAccounts([account], account.Tables), TimeProvider.System, NullLogger<UpkeepStart>.Instance);

        await StopAsync(start);
    }

    [Fact]
    public async Task The_recovery_of_queues_ends()
    {
        var membership = Answering.Make<IClusterMembershipService>(_ => UpdatesAsync(CancellationToken.None));
        using var recovery = new QueueRecovery(Factory<IQueueRecoveryGrain>(), membership, TimeProvider.System, NullLogger<QueueRecovery>.Instance);

        await StopAsync(recovery);
    }

    private static async IAsyncEnumerable<ClusterMembershipSnapshot> UpdatesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new ClusterMembershipSnapshot(ImmutableDictionary<SiloAddress, ClusterMember>.Empty, new MembershipVersion(1));
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    private IGrainFactory Factory<TGrain>()
        where TGrain : class
    {
        var grain = Answering.Make<TGrain>(call => new ValueTask(FailAsync<object>((CancellationToken)call.Arguments[^1]!)));
        return Answering.Make<IGrainFactory>(_ => grain);
    }

    /// <param name="time">Runs until the service calls; null: it calls at once.</param>
    private async Task StopAsync(BackgroundService service, FakeTimeProvider? time = null)
    {
        await service.StartAsync(Cancel);
        while (await Task.WhenAny(_asked.Task, Task.Delay(1, Cancel)) != _asked.Task)
        {
            Cancel.ThrowIfCancellationRequested();
            time?.Advance(TimeSpan.FromSeconds(10));
        }

        await service.StopAsync(Cancel);

        Assert.False(service.ExecuteTask!.IsFaulted);
    }

    private async Task<T> FailAsync<T>(CancellationToken stopping)
    {
        _asked.TrySetResult();
        await Task.Delay(Timeout.Infinite, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        throw new InvalidOperationException("The silo has gone.");
    }
}
