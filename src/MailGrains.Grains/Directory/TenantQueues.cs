using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;
using MailGrains.Storage;

namespace MailGrains.Grains.Directory;

/// <summary>
/// The queues of a tenant, which lie under its name: mail of a deleted one must be gone, and no order of its operators be in force, before anybody
/// gets the name. Found by the catalogue, whose rows may be a minute old, so that what came in the last minute may be missed; each that it shows is asked itself.
/// </summary>
internal sealed class TenantQueues(IGrainFactory grains, QueueCatalog catalog, TimeProvider time, string tenant)
{
    private static readonly QueueMark Deletion = new("directory", "the tenant was deleted", null);

    /// <exception cref="StoreUnavailableException">That can't be told now.</exception>
    public async ValueTask<bool> HaveMailAsync(CancellationToken cancellationToken)
    {
        foreach (var id in await FindAsync(cancellationToken))
        {
            if ((await Queue(id).GetOverviewAsync(cancellationToken)).Messages > 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes back what operators have ordered for the queues. May be repeated.</summary>
    /// <exception cref="StoreUnavailableException">Not all of it is taken back.</exception>
    public async ValueTask LiftOrdersAsync(CancellationToken cancellationToken)
    {
        foreach (var id in await FindAsync(cancellationToken))
        {
            await Queue(id).OrderAsync(new QueueOrder(QueueOrderKind.Resume, Deletion), cancellationToken);
            await Queue(id).OrderAsync(new QueueOrder(QueueOrderKind.Route, Deletion), cancellationToken);
        }
    }

    private async ValueTask<List<QueueId>> FindAsync(CancellationToken cancellationToken)
    {
        try
        {
            var found = new List<QueueId>();
            await foreach (var queue in catalog.ReadAsync(new QueueFilter(tenant, null), null, time.GetUtcNow(), cancellationToken))
            {
                found.Add(queue.Queue);
            }

            return found;
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    private IDomainQueueGrain Queue(QueueId id) => grains.GetGrain<IDomainQueueGrain>(id.ToString());
}
