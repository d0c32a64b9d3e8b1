using System.Collections.Immutable;
using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Queues;

/// <summary>Looks at all queues that have work, or on which an operator's order lies, as the store has them: minutes old. A stateless worker; key 0.</summary>
[Alias("mailgrains.IQueueCatalogGrain")]
public interface IQueueCatalogGrain : IGrainWithIntegerKey
{
    /// <summary>Queues by account, tenant and domain, the shards of one summed.</summary>
    /// <param name="after">The "next" of the page before.</param>
    /// <param name="limit">At most <see cref="QueueList.MaxLimit"/>.</param>
    /// <exception cref="ArgumentException">"After" is none of the filter's queues.</exception>
    /// <exception cref="StoreUnavailableException">The store can't be read now.</exception>
    [Alias("List"), MayRepeat]
    ValueTask<QueueList> ListAsync(QueueFilter filter, QueueId? after, int limit, CancellationToken cancellationToken);

    /// <summary>What the queues come to.</summary>
    /// <exception cref="StoreUnavailableException">The store can't be read now.</exception>
    [Alias("Sum"), MayRepeat]
    ValueTask<QueueTotals> SumAsync(QueueFilter filter, CancellationToken cancellationToken);

    /// <summary>All shards of what a tenant has to send to a domain, whether there is anything in them or not.</summary>
    /// <exception cref="StoreUnavailableException">The store can't be read now.</exception>
    [Alias("Find"), MayRepeat]
    ValueTask<ImmutableArray<QueueId>> FindAsync(string tenant, string domain, CancellationToken cancellationToken);
}

/// <summary>Which queues; null: whatever it is.</summary>
/// <param name="Domain">As <see cref="QueueId.Domain"/> has it.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueFilter")]
public sealed record QueueFilter([property: Id(0)] string? Tenant, [property: Id(1)] string? Domain);

/// <param name="Next">Pass as "after" for the next page; null at the end.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueList")]
public sealed record QueueList([property: Id(0)] ImmutableArray<QueueOverview> Queues, [property: Id(1)] QueueId? Next)
{
    public const int MaxLimit = 1_000;
}

/// <param name="Oldest">When the oldest message of all was received.</param>
/// <param name="IsComplete">False: there are more queues than are counted.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueTotals")]
public sealed record QueueTotals(
    [property: Id(0)] int Queues, [property: Id(1)] int Suspended, [property: Id(2)] long Messages, [property: Id(3)] long Held,
    [property: Id(4)] DateTimeOffset? Oldest, [property: Id(5)] bool IsComplete)
{
    public QueueTotals With(QueueOverview queue) => new(
        Queues + 1, Suspended + (queue.Suspended is null ? 0 : 1), Messages + queue.Messages, Held + queue.Held,
        Oldest < queue.Oldest ? Oldest : queue.Oldest ?? Oldest, IsComplete);
}
