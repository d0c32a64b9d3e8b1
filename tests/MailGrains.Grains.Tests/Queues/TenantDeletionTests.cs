using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>Queues lie under their tenant's name: whoever gets a name must get nothing of its former tenant.</summary>
[Collection(SharedQueues.Name)]
public sealed class TenantDeletionTests(QueueCluster cluster)
{
    private static readonly QueueMark Mark = new("op", "moving", null);

    private readonly string _name = $"t{Guid.NewGuid():n}"[..20];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ITenantGrain Tenant => cluster.Grains.GetGrain<ITenantGrain>(_name);

    [Fact]
    public async Task A_tenant_stays_while_its_queues_have_mail_and_takes_the_orders_on_them_along_when_it_goes()
    {
        await using var queue = await StartAsync();

        Assert.Equal(DeleteOutcome.NotEmpty, await Tenant.DeleteAsync(Cancellation));

        await DropAsync(queue);
        Assert.NotNull((await queue.Grain.GetOverviewAsync(Cancellation)).Suspended);
        Assert.Equal(DeleteOutcome.Deleted, await Tenant.DeleteAsync(Cancellation));
        var overview = await queue.Grain.GetOverviewAsync(Cancellation);
        Assert.Equal((0, null, null), (overview.Messages, overview.Suspended, overview.Route));
    }

    [Fact]
    public async Task A_name_is_not_given_again_while_mail_of_its_former_tenant_waits()
    {
        await using var queue = await StartAsync();
        await DropAsync(queue);
        await Tenant.DeleteAsync(Cancellation);

        // On its way when the tenant went.
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Suspend, Mark), Cancellation);
        await queue.EnqueueAsync();
        await ShownAsync(queue, overview => overview is { Messages: 1, Suspended: not null });

        Assert.Equal(PutStatus.Taken, (await Tenant.PutAsync(new TenantSettings(null), Cancellation)).Status);
        Assert.Null(await Tenant.FindAsync(Cancellation));

        await DropAsync(queue);
        Assert.Equal(PutOutcome.Created, await Tenant.PutAsync(new TenantSettings(null), Cancellation));
        Assert.Null((await queue.Grain.GetOverviewAsync(Cancellation)).Suspended);
    }

    [Fact]
    public async Task Catalogue_that_cant_be_read_keeps_a_tenant_from_being_deleted()
    {
        Assert.Equal(PutOutcome.Created, await Tenant.PutAsync(new TenantSettings(null), Cancellation));
        cluster.Tables.BeforeRead = row => row is null ? throw new StoreException(StoreFailure.Unavailable, "Busy.") : Task.CompletedTask;
        try
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(async () => await Tenant.DeleteAsync(Cancellation));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        Assert.NotNull(await Tenant.FindAsync(Cancellation));
        Assert.Equal(DeleteOutcome.Deleted, await Tenant.DeleteAsync(Cancellation));
    }

    /// <summary>The tenant, and a queue of its with a message that is not tried.</summary>
    private async Task<TestQueue> StartAsync()
    {
        Assert.Equal(PutOutcome.Created, await Tenant.PutAsync(new TenantSettings(null), Cancellation));
        var queue = cluster.NewQueue(_name);
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Suspend, Mark), Cancellation);
        await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Route, Mark) { Route = new QueueRoute("mx.example", 25, Mark) }, Cancellation);
        await queue.EnqueueAsync();
        await ShownAsync(queue, overview => overview is { Messages: 1, Suspended: not null, Route: not null });
        return queue;
    }

    private static async Task DropAsync(TestQueue queue) =>
        Assert.Equal(1, await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Drop, Mark), Cancellation));

    private Task ShownAsync(TestQueue queue, Func<QueueOverview?, bool> isSo) => cluster.UntilAsync(() => isSo(
        Task.Run(async () => (await cluster.Catalog.ListAsync(new QueueFilter(queue.Id.Tenant, null), null, 10, Cancellation)).Queues)
            .GetAwaiter().GetResult().SingleOrDefault()));
}
