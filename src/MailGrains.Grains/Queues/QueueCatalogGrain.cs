using System.Collections.Immutable;
using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;

namespace MailGrains.Grains.Queues;

/// <summary>Reads the catalogue for operators.</summary>
[StatelessWorker, Reentrant]
public sealed class QueueCatalogGrain(
    QueueCatalog catalog, QueueAccounts accounts, QueueOptions options, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time)
    : Grain, IQueueCatalogGrain
{
    private const int MaxSummed = 200_000;

    public async ValueTask<QueueList> ListAsync(QueueFilter filter, QueueId? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        limit = Math.Min(limit, QueueList.MaxLimit);
        try
        {
            var queues = ImmutableArray.CreateBuilder<QueueOverview>();
            await foreach (var queue in MergedAsync(filter, after, cancellationToken))
            {
                if (queues.Count == limit)
                {
                    return new QueueList(queues.ToImmutable(), queues[^1].Queue);
                }

                queues.Add(queue);
            }

            return new QueueList(queues.ToImmutable(), null);
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    public async ValueTask<QueueTotals> SumAsync(QueueFilter filter, CancellationToken cancellationToken)
    {
        var totals = new QueueTotals(0, 0, 0, 0, null, IsComplete: true);
        try
        {
            await foreach (var queue in MergedAsync(filter, null, cancellationToken))
            {
                if (totals.Queues == MaxSummed)
                {
                    return totals with { IsComplete = false };
                }

                totals = totals.With(queue);
            }
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }

        return totals;
    }

    public async ValueTask<ImmutableArray<QueueId>> FindAsync(string tenant, string domain, CancellationToken cancellationToken)
    {
        try
        {
            var account = await accounts.OfAsync(tenant, cancellationToken);
            var shards = Enumerable.Range(0, options.Shards).ToHashSet();
            await foreach (var queue in catalog.ReadAsync(new QueueFilter(tenant, domain), null, time.GetUtcNow(), cancellationToken))
            {
                // Where another silo has been told of more of them.
                shards.Add(queue.Queue.Shard);
            }

            return [.. shards.Order().Select(shard => new QueueId(tenant, account, domain, shard))];
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    /// <summary>The shards of each queue as one.</summary>
    private async IAsyncEnumerable<QueueOverview> MergedAsync(
        QueueFilter filter, QueueId? after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shards = new List<QueueOverview>();
        await foreach (var queue in catalog.ReadAsync(filter, after, time.GetUtcNow(), cancellationToken))
        {
            if (shards.Count > 0 && shards[0].Queue with { Shard = 0 } != queue.Queue with { Shard = 0 })
            {
                yield return QueueOverview.Sum(shards);
                shards.Clear();
            }

            shards.Add(queue);
        }

        if (shards.Count > 0)
        {
            yield return QueueOverview.Sum(shards);
        }
    }
}
