namespace MailGrains.Contracts.Queues;

/// <summary>Brings back the queues that ended silos had in memory, one for the whole cluster; key 0.</summary>
[Alias("mailgrains.IQueueRecoveryGrain")]
public interface IQueueRecoveryGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// Looks up, in any silo's memory or the store, each queue that may have work soon. Nothing becomes due by that. Returns when all have been asked; at
    /// once where that has been done for this version of the cluster, or a later one.
    /// </summary>
    /// <param name="membership">The version of the cluster's membership in which silos had ended.</param>
    /// <exception cref="StoreUnavailableException">Some may not have been asked; it can be repeated.</exception>
    [Alias("Recover"), ResponseTimeout("00:10:00")]
    ValueTask RecoverAsync(long membership, CancellationToken cancellationToken);
}
