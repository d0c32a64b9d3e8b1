using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Queues;

/// <summary>Has queues brought back when this silo starts, and whenever another has ended; each silo with queues says so, and one walk serves all.</summary>
public sealed partial class QueueRecovery(IGrainFactory grains, IClusterMembershipService membership, TimeProvider time, ILogger<QueueRecovery> logger)
    : BackgroundService
{
    private const int MaxTries = 12;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ClusterMembershipSnapshot? last = null;
        await foreach (var current in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            if (last is null || HaveEnded(last, current))
            {
                await RecoverAsync(current.Version.Value, stoppingToken);
            }

            last = current;
        }
    }

    private static bool HaveEnded(ClusterMembershipSnapshot last, ClusterMembershipSnapshot current) =>
        current.Members.Values.Any(silo => silo.Status == SiloStatus.Dead && last.GetSiloStatus(silo.SiloAddress) != SiloStatus.Dead);

    /// <summary>Where it goes on failing, reminders bring the queues back.</summary>
    private async Task RecoverAsync(long version, CancellationToken cancellationToken)
    {
        for (var tries = 1; tries <= MaxTries; tries++)
        {
            try
            {
                await grains.GetGrain<IQueueRecoveryGrain>(0).RecoverAsync(version, cancellationToken);
                return;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                // Its silo may have gone in the middle of the call.
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                LogFailed(e);
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Queues could not be looked up after a silo started or ended; it is tried again soon.")]
    private partial void LogFailed(Exception e);
}
