using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

/// <summary>What waits for other servers. The list is a minute or so old; one queue is asked itself, all its shards.</summary>
internal static class QueueEndpoints
{
    public static void MapAll(RouteGroupBuilder queues) =>
        queues.MapGet("", ListAsync).DescribeList<QueueListView>("ListQueues", "Queues that have work or an order on them, a page at a time, and what they come to");

    public static void Map(RouteGroupBuilder queues)
    {
        queues.MapGet("/{domain}", GetAsync).DescribeGet<QueueView>("GetQueue", "What a tenant has to send to a domain, now");
        queues.MapGet("/{domain}/messages", ListMessagesAsync).DescribeList<Page<QueuedMessageView>>(
            "ListQueuedMessages", "A queue's messages in the order of their arrival, a page at a time");
    }

    private static async Task<IResult> ListAsync(
        IGrainFactory grains, string? tenant, string? domain, string? after, int? limit, CancellationToken cancellationToken)
    {
        var filter = new QueueFilter(
            string.IsNullOrEmpty(tenant) ? null : PathNames.Tenant(tenant), string.IsNullOrEmpty(domain) ? null : PathNames.QueueDomain(domain));
        if (filter.Tenant is not null && !await HasTenantAsync(grains, filter.Tenant, cancellationToken))
        {
            return NoTenant();
        }

        var rows = AdminApi.LimitOf(limit, QueueList.MaxLimit);
        QueueId? last = string.IsNullOrEmpty(after) ? null
            : QueueId.TryParse(after, out var id) && (filter.Tenant is null || filter.Tenant == id.Value.Tenant) ? id
            : throw AdminApi.NoPage();
        var catalog = grains.GetGrain<IQueueCatalogGrain>(0);
        var page = await catalog.ListAsync(filter, last, rows, cancellationToken);
        var totals = last is null ? await catalog.SumAsync(filter, cancellationToken) : null;
        return TypedResults.Ok(new QueueListView(
            [.. page.Queues.Select(QueueView.Of)], page.Next?.ToString(),
            totals is null ? null : new QueueTotalsView(totals.Queues, totals.Suspended, totals.Messages, totals.Held, totals.Oldest, totals.IsComplete)));
    }

    private static async Task<IResult> GetAsync(IGrainFactory grains, string tenant, string domain, CancellationToken cancellationToken)
    {
        if (await FindAsync(grains, tenant, domain, cancellationToken) is not { } shards)
        {
            return NoTenant();
        }

        var overviews = await Task.WhenAll(shards.Select(shard => shard.GetOverviewAsync(cancellationToken).AsTask()));
        return TypedResults.Ok(QueueView.Of(QueueOverview.Sum(overviews)));
    }

    private static async Task<IResult> ListMessagesAsync(
        IGrainFactory grains, string tenant, string domain, string? after, int? limit, CancellationToken cancellationToken)
    {
        var rows = AdminApi.LimitOf(limit, QueuePage.MaxLimit);
        Contracts.Mailboxes.EmailId? last = string.IsNullOrEmpty(after) ? null : QueuedMessageView.IdOf(after, "after");
        if (await FindAsync(grains, tenant, domain, cancellationToken) is not { } shards)
        {
            return NoTenant();
        }

        // Each shard has its own order; of what all of them have, the first ones are the page.
        var pages = await Task.WhenAll(shards.Select(shard => shard.ListAsync(last, rows, cancellationToken).AsTask()));
        var all = pages.SelectMany(page => page.Messages).OrderBy(message => message.Email).ToList();
        var shown = all.Take(rows).ToList();
        var isLast = shown.Count == all.Count && pages.All(page => page.Next is null);
        return TypedResults.Ok(new Page<QueuedMessageView>([.. shown.Select(QueuedMessageView.Of)], isLast ? null : shown[^1].Email.ToString()));
    }

    /// <summary>The shards of a queue; null where there is no such tenant.</summary>
    public static async ValueTask<IReadOnlyList<IDomainQueueGrain>?> FindAsync(
        IGrainFactory grains, string tenant, string domain, CancellationToken cancellationToken)
    {
        var (tenantName, domainName) = (PathNames.Tenant(tenant), PathNames.QueueDomain(domain));
        return await HasTenantAsync(grains, tenantName, cancellationToken)
            ? await ShardsAsync(grains, tenantName, domainName, cancellationToken)
            : null;
    }

    public static async ValueTask<IReadOnlyList<IDomainQueueGrain>> ShardsAsync(
        IGrainFactory grains, string tenant, string domain, CancellationToken cancellationToken) =>
    [
        .. (await grains.GetGrain<IQueueCatalogGrain>(0).FindAsync(tenant, domain, cancellationToken))
            .Select(shard => grains.GetGrain<IDomainQueueGrain>(shard.ToString())),
    ];

    public static async ValueTask<bool> HasTenantAsync(IGrainFactory grains, string tenant, CancellationToken cancellationToken) =>
        await grains.GetGrain<ITenantGrain>(tenant).FindAsync(cancellationToken) is not null;

    public static IResult NoTenant() => ApiProblems.NotFound("There is no such tenant.");
}
