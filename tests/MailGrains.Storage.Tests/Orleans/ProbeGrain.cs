using System.Threading.Channels;
using Orleans;
using Orleans.Placement;
using Orleans.Runtime;

namespace MailGrains.Storage.Tests.Orleans;

/// <summary>Says where it runs, counts, and reports its reminder's ticks.</summary>
[Alias("mailgrains.test.IProbeGrain")]
public interface IProbeGrain : IGrainWithStringKey
{
    [Alias("WhereAsync")]
    ValueTask<SiloAddress> WhereAsync();

    [Alias("AddAsync")]
    ValueTask<int> AddAsync(int number);

    [Alias("RemindAsync")]
    Task RemindAsync(TimeSpan due, TimeSpan period);
}

/// <summary>A tick of a probe's reminder, and the silo on which it came.</summary>
public sealed record ProbeTick(string Probe, SiloAddress Silo);

[GenerateSerializer]
[Alias("mailgrains.test.probe")]
public sealed class ProbeState
{
    [Id(0)]
    public int Sum { get; set; }
}

[RandomPlacement]
public sealed class ProbeGrain(
    ILocalSiloDetails silo, Channel<ProbeTick> ticks, [PersistentState("probe")] IPersistentState<ProbeState> state)
    : Grain, IProbeGrain, IRemindable
{
    public ValueTask<SiloAddress> WhereAsync() => new(silo.SiloAddress);

    public async ValueTask<int> AddAsync(int number)
    {
        state.State.Sum += number;
        await state.WriteStateAsync();
        return state.State.Sum;
    }

    public Task RemindAsync(TimeSpan due, TimeSpan period) => this.RegisterOrUpdateReminder("tick", due, period);

    public async Task ReceiveReminder(string reminderName, TickStatus status) =>
        await ticks.Writer.WriteAsync(new ProbeTick(this.GetPrimaryKeyString(), silo.SiloAddress));
}
