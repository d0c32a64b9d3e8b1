using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Queues;

/// <summary>
/// Walks over the reminders of all queues and asks each queue that may have been in memory: one that is not there any more is read from the store by
/// that, and goes on. A queue with work always has its reminder (<see cref="QueueReminder"/>), and one that left memory in order has it set to when there is
/// something to do: so a time that is near says which to ask, and thousands of queues that wait for hours stay where they are. What is
/// missed here its reminder brings back within <see cref="QueueOptions.ReminderPeriod"/>.
/// </summary>
public sealed partial class QueueRecoveryGrain(
    IReminderTable reminders, QueueOptions options, IClusterMembershipService membership,
    [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, ILogger<QueueRecoveryGrain> logger) : Grain, IQueueRecoveryGrain
{
    /// <summary>Parts of the ring of grains whose reminders are read together.</summary>
    private const int Parts = 64;

    private const int AtOnce = 32;
    private const int MaxRepeats = 5;
    private const int MaxLate = 10_000;

    private static readonly TimeSpan RepeatAfter = TimeSpan.FromSeconds(1);

    private long _recovered = long.MinValue;

    public async ValueTask RecoverAsync(long membership, CancellationToken cancellationToken)
    {
        if (membership <= _recovered)
        {
            return;
        }

        await AwaitMembershipAsync(membership, cancellationToken);
        var started = time.GetTimestamp();
        var (asked, late) = (0, new List<GrainId>());
        for (var part = 0; part < Parts; part++)
        {
            var near = await ReadAsync(part, cancellationToken);
            asked += near.Count;
            late.AddRange(await AskAsync(near, cancellationToken));
            late = late.Count > MaxLate ? late[..MaxLate] : late;
        }

        // Where the cluster has not settled yet, or the store fails for a moment.
        for (var repeat = 0; late.Count > 0 && repeat < MaxRepeats; repeat++)
        {
            await Task.Delay(RepeatAfter, time, cancellationToken);
            late = await AskAsync(late, cancellationToken);
        }

        _recovered = membership;
        LogRecovered(membership, asked, late.Count, time.GetElapsedTime(started));
    }

    /// <summary>Until this silo knows who has ended: it would look for queues there.</summary>
    private async Task AwaitMembershipAsync(long version, CancellationToken cancellationToken) =>
        await membership.Refresh(new MembershipVersion(version), cancellationToken);

    private async Task<List<GrainId>> ReadAsync(int part, CancellationToken cancellationToken)
    {
        const uint Size = uint.MaxValue / Parts + 1;
        var kind = ((GrainReference)GrainFactory.GetGrain<IDomainQueueGrain>("-")).GrainId.Type;
        var near = (time.GetUtcNow() + options.ReminderPeriod).UtcDateTime;
        try
        {
            // Beginnings are exclusive, and the first part's wraps.
            var end = (uint)((part + 1) * (long)Size - 1);
            var rows = await reminders.ReadRows(unchecked(end - Size), end, cancellationToken);
            return
            [
                .. rows.Reminders.Where(row => row.GrainId.Type == kind && row.ReminderName == QueueReminder.Name && row.StartAt <= near)
                    .Select(row => row.GrainId),
            ];
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    /// <returns>Those that could not be asked now.</returns>
    private async Task<List<GrainId>> AskAsync(List<GrainId> queues, CancellationToken cancellationToken)
    {
        var (left, late) = (new Queue<GrainId>(queues), new List<GrainId>());
        await Task.WhenAll(Enumerable.Range(0, Math.Min(AtOnce, queues.Count)).Select(_ => AskEachAsync()));
        return late;

        async Task AskEachAsync()
        {
            while (left.TryDequeue(out var queue))
            {
                try
                {
                    await GrainFactory.GetGrain<IDomainQueueGrain>(queue).GetOverviewAsync(cancellationToken);
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // Whatever one queue fails by keeps none of the others.
                    late.Add(queue);
                }
            }
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Version {Version} of the cluster: {Asked} queues that may have work were looked up, {Late} could not be, in {Time}")]
    private partial void LogRecovered(long version, int asked, int late, TimeSpan time);
}
