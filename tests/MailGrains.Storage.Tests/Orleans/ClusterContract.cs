using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Runtime;

namespace MailGrains.Storage.Tests.Orleans;

/// <summary>Real silos on the store: what the providers are for.</summary>
public abstract class ClusterContract
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens the one store anew, as another process of the cluster would.</summary>
    protected abstract ValueTask<ITableStore> OpenAsync();

    [Fact(Timeout = 120_000)]
    public async Task SilosFindEachOtherAndCallEachOthersGrains()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = new TestCluster(OpenAsync);
        var silos = new[] { await cluster.StartSiloAsync(token), await cluster.StartSiloAsync(token) };
        foreach (var silo in silos)
        {
            await UntilSeenAsync(TestCluster.Grains(silo), [.. silos.Select(TestCluster.Address)]);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task AClientFindsTheGatewaysAndOutlivesTheOneItUsed()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = new TestCluster(OpenAsync);
        var first = await cluster.StartSiloAsync(token);
        var second = await cluster.StartSiloAsync(token);
        var client = await cluster.StartClientAsync(token);
        await UntilSeenAsync(TestCluster.Grains(client), [TestCluster.Address(first), TestCluster.Address(second)]);

        await cluster.StopAsync(first, token);
        Assert.Equal(TestCluster.Address(second), await CallAsync(() => TestCluster.Grains(client).GetGrain<IProbeGrain>("late").WhereAsync()));
    }

    [Fact(Timeout = 120_000)]
    public async Task AStateSurvivesTheRestartOfAllSilos()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = new TestCluster(OpenAsync);
        var silo = await cluster.StartSiloAsync(token);
        Assert.Equal(3, await TestCluster.Grains(silo).GetGrain<IProbeGrain>("counter").AddAsync(3));
        Assert.Equal(7, await TestCluster.Grains(silo).GetGrain<IProbeGrain>("counter").AddAsync(4));
        var left = TestCluster.Address(silo);
        await cluster.StopAsync(silo, token);

        silo = await cluster.StartSiloAsync(token);
        Assert.Equal(12, await TestCluster.Grains(silo).GetGrain<IProbeGrain>("counter").AddAsync(5));
        var table = await silo.Services.GetRequiredService<IMembershipTable>().ReadAllAsync(token);
        Assert.Equal(SiloStatus.Dead, table.TryGet(left)!.Item1.Status);
        Assert.Equal(SiloStatus.Active, table.TryGet(TestCluster.Address(silo))!.Item1.Status);
    }

    [Fact(Timeout = 120_000)]
    public async Task AReminderFiresAfterTheSiloThatRegisteredItHasStopped()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = new TestCluster(OpenAsync);
        var first = await cluster.StartSiloAsync(token);
        await TestCluster.Grains(first).GetGrain<IProbeGrain>("sleeper").RemindAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
        var second = await cluster.StartSiloAsync(token);
        await cluster.StopAsync(first, token);
        Assert.False(cluster.Ticks.Reader.TryRead(out _));

        // The second silo reads the reminder once it has learnt that the ring is its own, in its own time; until then the clock's steps
        // pass unheard.
        var tick = cluster.Ticks.Reader.ReadAsync(token).AsTask();
        while (!tick.IsCompleted)
        {
            cluster.ReminderTime.Advance(TimeSpan.FromMinutes(1));
            await Task.WhenAny(tick, Task.Delay(TimeSpan.FromMilliseconds(50), token));
            token.ThrowIfCancellationRequested();
        }

        Assert.Equal(new ProbeTick("sleeper", TestCluster.Address(second)), await tick);
    }

    /// <summary>Calls ever new grains, placed at random, until one has answered on each of the silos.</summary>
    private static async Task UntilSeenAsync(IGrainFactory grains, HashSet<SiloAddress> silos)
    {
        for (var number = 0; silos.Count > 0; number++)
        {
            silos.Remove(await CallAsync(() => grains.GetGrain<IProbeGrain>(Guid.NewGuid().ToString("N")).WhereAsync()));
            Cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>A call that was on its way to a silo that left may fail; the next one finds its way.</summary>
    private static async Task<SiloAddress> CallAsync(Func<ValueTask<SiloAddress>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                Cancellation.ThrowIfCancellationRequested();
            }
        }
    }
}
