using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Sending;
using Orleans.Concurrency;

namespace MailGrains.Grains.Relay;

/// <summary>The way from queues to the sender of a silo; keeps nothing.</summary>
[StatelessWorker, Reentrant]
public sealed class RelayGrain(RelaySender sender) : Grain, IRelayGrain
{
    public ValueTask<RelayTaken> TakeAsync(RelayJob job, CancellationToken cancellationToken) => new(sender.Take(job));
}
