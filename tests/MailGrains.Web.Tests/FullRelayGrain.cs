using MailGrains.Contracts.Relay;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace MailGrains.Web.Tests;

/// <summary>A sender that never has room.</summary>
[StatelessWorker]
public sealed class FullRelayGrain(ILocalSiloDetails silo) : Grain, IRelayGrain
{
    public ValueTask<RelayTaken> TakeAsync(RelayJob job, CancellationToken cancellationToken) => ValueTask.FromResult(new RelayTaken(0, silo.SiloAddress));
}
