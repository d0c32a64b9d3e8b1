using System.Collections.Concurrent;
using MailGrains.Contracts.Calls;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Placement;
using Orleans.Runtime.Placement;
using Orleans.TestingHost;

namespace MailGrains.Grains.Tests;

/// <summary>A silo goes while it is asked.</summary>
public sealed class RepeatedCallsTests : IAsyncLifetime
{
    private readonly AskedProbes _asked = new();
    private InProcessTestCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(3);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(_asked);
            silo.AddOutgoingGrainCallFilter<RepeatedCalls>();
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_call_that_may_be_repeated_is_answered_by_the_grain_s_next_silo()
    {
        var call = AskElsewhere("repeated").FindAsync().AsTask();
        await LoseTheAskedAsync("repeated");

        Assert.NotEqual(_asked["repeated"][0], await call);
        Assert.Equal(2, _asked["repeated"].Length);
    }

    [Fact]
    public async Task A_call_that_may_not_is_carried_out_once_and_fails()
    {
        var call = AskElsewhere("once").ChangeAsync().AsTask();
        await LoseTheAskedAsync("once");

        await Assert.ThrowsAsync<SiloUnavailableException>(() => call);
        Assert.Single(_asked["once"]);
    }

    /// <summary>For a caller on the first silo, a grain that will be on another one.</summary>
    private IMortalGrain AskElsewhere(string key)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, _cluster.Silos[1].SiloAddress);
        return _cluster.Silos[0].ServiceProvider.GetRequiredService<IGrainFactory>().GetGrain<IMortalGrain>(key);
    }

    private async Task LoseTheAskedAsync(string key)
    {
        var asked = await _asked.FirstAsync(key);
        await _cluster.KillSiloAsync(_cluster.Silos.Single(silo => silo.SiloAddress.Equals(asked)));
    }
}

/// <summary>Which silos were asked, by the grain's key.</summary>
public sealed class AskedProbes
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<SiloAddress>> _silos = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<SiloAddress>> _first = new();

    public SiloAddress[] this[string key] => [.. _silos[key]];

    public Task<SiloAddress> FirstAsync(string key) => FirstOf(key).Task;

    /// <summary>True: it is the first.</summary>
    public bool Add(string key, SiloAddress silo)
    {
        _silos.GetOrAdd(key, _ => new()).Enqueue(silo);
        return FirstOf(key).TrySetResult(silo);
    }

    private TaskCompletionSource<SiloAddress> FirstOf(string key) => _first.GetOrAdd(key, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}

[Alias("mailgrains.test.IMortalGrain")]
public interface IMortalGrain : IGrainWithStringKey
{
    [Alias("Find"), MayRepeat]
    ValueTask<SiloAddress> FindAsync();

    [Alias("Change")]
    ValueTask<SiloAddress> ChangeAsync();
}

/// <summary>Never answers the first call; the next one at once.</summary>
[RandomPlacement]
public sealed class MortalGrain(ILocalSiloDetails silo, AskedProbes asked) : Grain, IMortalGrain
{
    public ValueTask<SiloAddress> FindAsync() => AnswerAsync();

    public ValueTask<SiloAddress> ChangeAsync() => AnswerAsync();

    private async ValueTask<SiloAddress> AnswerAsync()
    {
        if (asked.Add(this.GetPrimaryKeyString(), silo.SiloAddress))
        {
            await Task.Delay(Timeout.InfiniteTimeSpan);
        }

        return silo.SiloAddress;
    }
}
