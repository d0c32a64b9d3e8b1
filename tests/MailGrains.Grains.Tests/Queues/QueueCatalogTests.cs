using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;

namespace MailGrains.Grains.Tests.Queues;

[Collection(SharedQueues.Name)]
public sealed class QueueCatalogTests(QueueCluster cluster)
{
    private static readonly QueueMark Mark = new("op", "moving", null);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IQueueCatalogGrain Catalog => cluster.Catalog;

    [Fact]
    public async Task A_queue_with_work_is_listed_as_it_stands_and_goes_from_the_list_when_it_is_emptied()
    {
        await using var queue = cluster.NewQueue();
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Suspend, Mark), Cancellation);
        var message = await queue.EnqueueAsync();
        await queue.EnqueueAsync();
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Hold, Mark) { Messages = [message.Email] }, Cancellation);

        var shown = await ShownAsync(queue, found => found?.Held == 1);
        Assert.Equal((2, 1, message.Email.MadeAt, Mark), (shown!.Messages, shown.Held, shown.Oldest, shown.Suspended));

        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Drop, Mark), Cancellation);
        shown = await ShownAsync(queue, found => found?.Messages == 0);
        Assert.Equal(Mark, shown!.Suspended);
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Resume, Mark), Cancellation);
        await ShownAsync(queue, found => found is null);
    }

    [Fact]
    public async Task Every_queue_stands_on_one_page_with_its_shards_as_one()
    {
        var rows = new QueueCatalog(cluster.Accounts);
        var now = cluster.Time.GetUtcNow();
        string[] domains = ["a.example", "a.example-b", "[IPv6:2001:db8::1]", "[192.0.2.1]", "b.example", "xn--bcher-kva.example"];
        foreach (var tenant in new[] { "pages", "pages-b", "pages2" })
        {
            foreach (var domain in domains)
            {
                for (var shard = 0; shard < 12; shard += 4)
                {
                    var id = new QueueId(tenant, 0, domain, shard);
                    await rows.PutAsync(id, () => new QueueOverview(id, 1, 0, 0, now, null, null) { AsOf = now }, now, isUrgent: false, Cancellation);
                }
            }
        }

        Assert.Equal(domains.Order(), (await PagesAsync(new QueueFilter("pages", null), 1)).Select(q => q.Queue.Domain).Order());
        var all = (await PagesAsync(new QueueFilter(null, null), 4)).Where(q => q.Queue.Tenant.StartsWith("pages", StringComparison.Ordinal)).ToList();
        Assert.Equal(18, all.Select(q => q.Queue).Distinct().Count());
        Assert.Equal(18, all.Count);
        Assert.All(all, queue => Assert.Equal(3, queue.Messages));
        Assert.Equal(3, (await PagesAsync(new QueueFilter(null, "[192.0.2.1]"), 2)).Count);
        Assert.Equal("a.example", Assert.Single(await PagesAsync(new QueueFilter("pages2", "a.example"), 2)).Queue.Domain);
        Assert.Equal((6, 18, now), await Catalog.SumAsync(new QueueFilter("pages", null), Cancellation) is var t ? (t.Queues, t.Messages, t.Oldest) : default);
        Assert.Equal([0, 4, 8], (await Catalog.FindAsync("pages", "b.example", Cancellation)).Select(q => q.Shard));
        Assert.Equal([0], (await Catalog.FindAsync("pages", "none.example", Cancellation)).Select(q => q.Shard));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await Catalog.ListAsync(new QueueFilter("pages", null), new QueueId("pages2", 0, "a.example", 0), 5, Cancellation));
    }

    private async Task<QueueOverview?> ShownAsync(TestQueue queue, Func<QueueOverview?, bool> isSo)
    {
        QueueOverview? found = null;
        await cluster.UntilAsync(() =>
        {
            found = Task.Run(async () => (await Catalog.ListAsync(new QueueFilter(queue.Id.Tenant, queue.Id.Domain), null, 10, Cancellation)).Queues)
                .GetAwaiter().GetResult().SingleOrDefault();
            return isSo(found);
        });
        return found;
    }

    private async Task<List<QueueOverview>> PagesAsync(QueueFilter filter, int limit)
    {
        var all = new List<QueueOverview>();
        for (QueueId? after = null; ;)
        {
            var page = await Catalog.ListAsync(filter, after, limit, Cancellation);
            Assert.InRange(page.Queues.Length, 0, limit);
            all.AddRange(page.Queues);
            if (page.Next is null)
            {
                return all;
            }

            after = page.Next;
        }
    }
}
