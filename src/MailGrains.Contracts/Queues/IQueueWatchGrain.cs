using System.Collections.Immutable;
using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Queues;

/// <summary>Looks whether queues age, one for the whole cluster; key 0. It keeps nothing: who wants it to look calls.</summary>
[Alias("mailgrains.IQueueWatchGrain")]
public interface IQueueWatchGrain : IGrainWithIntegerKey
{
    /// <summary>How the queues stand; read from the catalogue at most once a minute, whoever asks.</summary>
    /// <exception cref="StoreUnavailableException">The store can't be read now.</exception>
    [Alias("Look"), MayRepeat, ResponseTimeout("00:01:00")]
    ValueTask<QueueWatch> LookAsync(CancellationToken cancellationToken);
}

/// <param name="Aged">Queues with a message that has waited for longer than it should; those that an operator suspended do not count.</param>
/// <param name="Oldest">Some of them, the oldest first.</param>
/// <param name="AgedSince">Since when there have been any, as far as this activation knows; null: there are none.</param>
/// <param name="OldestPending">Of all queues, see <see cref="QueueOverview.OldestPending"/>; suspended ones excepted.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueWatch")]
public sealed record QueueWatch(
    [property: Id(0)] QueueTotals Totals, [property: Id(1)] int Aged, [property: Id(2)] ImmutableArray<QueueOverview> Oldest,
    [property: Id(3)] DateTimeOffset? AgedSince, [property: Id(4)] DateTimeOffset? OldestPending);
