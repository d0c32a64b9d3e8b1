using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Storage;
using MailGrains.Testing.Faults;
using static MailGrains.Grains.Tests.Directory.DirectoryCluster;

namespace MailGrains.Grains.Tests.Directory;

public sealed class AddressTests : IAsyncLifetime
{
    private DirectoryCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task AnAddressLeadsToItsMailboxAndSubaddressesToo()
    {
        var tenant = await _cluster.MakeTenantAsync("plain.test");
        await PutMailboxAsync(tenant, "alice@plain.test");
        var mailbox = (await tenant.FindMailboxAsync(Address("alice@plain.test"), Cancellation))!.Mailbox;

        Assert.Equal(new { Kind = AddressKind.Mailbox, Mailbox = mailbox, Detail = "" }, Shape(await _cluster.ResolveAsync("ALICE@Plain.Test")));
        Assert.Equal(
            new { Kind = AddressKind.Mailbox, Mailbox = mailbox, Detail = "lists+work" },
            Shape(await _cluster.ResolveAsync("alice+lists+work@plain.test")));
        Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync("bob@plain.test")).Kind);
        Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync("bob+alice@plain.test")).Kind);
        Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync("+alice@plain.test")).Kind);
        Assert.Equal(AddressKind.NotLocal, (await _cluster.ResolveAsync("alice@elsewhere.test")).Kind);
    }

    [Fact]
    public async Task AnExactRecordComesBeforeTheBaseAddress()
    {
        var tenant = await _cluster.MakeTenantAsync("exact.test");
        await PutMailboxAsync(tenant, "alice@exact.test");
        Assert.Equal("x", (await _cluster.ResolveAsync("alice+x@exact.test")).Detail);
        await PutMailboxAsync(tenant, "alice+x@exact.test");
        var own = (await tenant.FindMailboxAsync(Address("alice+x@exact.test"), Cancellation))!.Mailbox;
        Assert.Equal(new { Kind = AddressKind.Mailbox, Mailbox = own, Detail = "" }, Shape(await _cluster.ResolveAsync("alice+x@exact.test")));
        Assert.Equal(DeleteOutcome.Deleted, await tenant.DeleteMailboxAsync(Address("alice+x@exact.test"), Cancellation));
        Assert.Equal("x", (await _cluster.ResolveAsync("alice+x@exact.test")).Detail);
    }

    [Fact]
    public async Task AKnownAddressCostsNoStoreRead()
    {
        var tenant = await _cluster.MakeTenantAsync("hot.test");
        await PutMailboxAsync(tenant, "alice@hot.test");
        await _cluster.ResolveAsync("alice@hot.test");
        await _cluster.ResolveAsync("alice+tag@hot.test");
        var before = (_cluster.Tables.Reads, _cluster.Tables.RangeReads);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(AddressKind.Mailbox, (await _cluster.ResolveAsync("alice@hot.test")).Kind);
            Assert.Equal(AddressKind.Mailbox, (await _cluster.ResolveAsync("alice+tag@hot.test")).Kind);
        }

        Assert.Equal(before, (_cluster.Tables.Reads, _cluster.Tables.RangeReads));
    }

    [Fact]
    public async Task AnUnknownNameCostsTwoPointReadsAndLeavesNoActivation()
    {
        await _cluster.MakeTenantAsync("guess.test");
        await _cluster.ResolveAsync("warm@guess.test");
        var management = _cluster.Grains.GetGrain<IManagementGrain>(0);
        var reads = _cluster.Tables.Reads;
        for (var i = 0; i < 500; i++)
        {
            Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync($"guess{i}@guess.test")).Kind);
        }

        Assert.Equal(1_000, _cluster.Tables.Reads - reads);
        var left = int.MaxValue;
        for (var wait = 0; left > 10 && wait < 200; wait++)
        {
            await Task.Delay(25, Cancellation);
            left = (await management.GetSimpleGrainStatistics()).Where(s => s.GrainType.Contains("AddressGrain", StringComparison.Ordinal)).Sum(s => s.ActivationCount);
        }

        Assert.InRange(left, 0, 10);
    }

    [Fact]
    public async Task OneUnknownNameAskedForByManyAtOnceIsAnsweredToAll()
    {
        await _cluster.MakeTenantAsync("crowd.test");
        await Parallel.ForAsync(0, 3_000, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
            Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync($"nobody{i % 3}@crowd.test")).Kind));
        await Parallel.ForAsync(0, 3_000, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
            Assert.Equal(AddressKind.NotLocal, (await _cluster.ResolveAsync($"a{i}@not-crowd.test")).Kind));
    }

    [Fact]
    public async Task CatchAllTakesUnknownUsersOnly()
    {
        var tenant = await _cluster.MakeTenantAsync("all.test");
        await PutMailboxAsync(tenant, "alice@all.test");
        await PutMailboxAsync(tenant, "rest@all.test");
        await tenant.PutDomainAsync("all.test", new DomainSettings("Rest@all.test", null), Cancellation);
        Assert.Equal(AddressKind.Mailbox, (await _cluster.ResolveAsync("alice@all.test")).Kind);
        Assert.Equal(AddressKind.Mailbox, (await _cluster.ResolveAsync("alice+x@all.test")).Kind);
        var caught = await _cluster.ResolveAsync("nobody+x@all.test");
        Assert.Equal(AddressKind.Alias, caught.Kind);
        Assert.Equal(["Rest@all.test"], caught.Targets);
        Assert.Equal("x", caught.Detail);

        // It does not lead to itself when its mailbox is gone.
        await tenant.DeleteMailboxAsync(Address("rest@all.test"), Cancellation);
        Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync("rest@all.test")).Kind);
        Assert.Equal(AddressKind.Alias, (await _cluster.ResolveAsync("rest+x@all.test")).Kind);
        await tenant.PutDomainAsync("all.test", new DomainSettings(null, null), Cancellation);
        Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync("nobody@all.test")).Kind);
    }

    [Fact]
    public async Task PostmasterIsAcceptedInEveryDomain()
    {
        var tenant = await _cluster.MakeTenantAsync("post.test", "other-post.test");

        // Nobody could keep it: temporary, and so is every form of it.
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _cluster.ResolveAsync("postmaster@post.test"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _cluster.ResolveAsync("PostMaster+x@post.test"));

        // The tenant's first mailbox, then the domain's first by name.
        await PutMailboxAsync(tenant, "zoe@other-post.test");
        Assert.Equal(await MailboxOfAsync(tenant, "zoe@other-post.test"), (await _cluster.ResolveAsync("postmaster@post.test")).Mailbox);
        await PutMailboxAsync(tenant, "bob@post.test");
        await PutMailboxAsync(tenant, "alice@post.test");
        Assert.Equal(await MailboxOfAsync(tenant, "alice@post.test"), (await _cluster.ResolveAsync("postmaster@post.test")).Mailbox);

        // The domain's setting, while it leads somewhere.
        await tenant.PutDomainAsync("post.test", new DomainSettings(null, "bob@post.test"), Cancellation);
        Assert.Equal(["bob@post.test"], (await _cluster.ResolveAsync("postmaster@post.test")).Targets);
        await tenant.DeleteMailboxAsync(Address("bob@post.test"), Cancellation);
        Assert.Equal(await MailboxOfAsync(tenant, "alice@post.test"), (await _cluster.ResolveAsync("postmaster@post.test")).Mailbox);
        await tenant.PutDomainAsync("post.test", new DomainSettings(null, "hostmaster@elsewhere.test"), Cancellation);
        Assert.Equal(["hostmaster@elsewhere.test"], (await _cluster.ResolveAsync("postmaster@post.test")).Targets);
        await tenant.PutDomainAsync("post.test", new DomainSettings(null, "postmaster@post.test"), Cancellation);
        Assert.Equal(AddressKind.Mailbox, (await _cluster.ResolveAsync("postmaster@post.test")).Kind);

        // Its own record.
        await tenant.PutAliasAsync(Address("postmaster@post.test"), ["zoe@other-post.test"], Cancellation);
        Assert.Equal(["zoe@other-post.test"], (await _cluster.ResolveAsync("postmaster@post.test")).Targets);
    }

    [Fact]
    public async Task PostmasterOfADomainWithoutMailboxesGoesToTheCatchAll()
    {
        var tenant = await _cluster.MakeTenantAsync("caught-post.test");
        await tenant.PutDomainAsync("caught-post.test", new DomainSettings("all@elsewhere.test", null), Cancellation);
        Assert.Equal(["all@elsewhere.test"], (await _cluster.ResolveAsync("postmaster@caught-post.test")).Targets);
    }

    [Fact]
    public async Task AStoreThatFailsIsNeverNoSuchUser()
    {
        var tenant = await _cluster.MakeTenantAsync("outage.test");
        await PutMailboxAsync(tenant, "alice@outage.test");
        await _cluster.ResolveAsync("alice@outage.test");
        _cluster.Tables.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "Busy.");
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _cluster.ResolveAsync("bob@outage.test"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _cluster.ResolveAsync("bob@nowhere.test"));

        // What is known goes on.
        Assert.Equal(AddressKind.Mailbox, (await _cluster.ResolveAsync("alice@outage.test")).Kind);
        _cluster.Tables.Heal();
        Assert.Equal(AddressKind.NoSuchUser, (await _cluster.ResolveAsync("bob@outage.test")).Kind);
    }

    [Fact]
    public async Task ARecordOfANewerFormatIsAnOutageAndIsNotOverwritten()
    {
        var tenant = await _cluster.MakeTenantAsync("newer.test");
        await PutMailboxAsync(tenant, "alice@newer.test");
        var rows = await _cluster.RowsAsync();
        foreach (var row in rows.Where(r => r.Partition is "address:alice@newer.test" or "domain:newer.test"))
        {
            var properties = new Dictionary<string, Storage.Tables.TableValue>(row.Properties) { ["f"] = 2L };
            await _cluster.Tables.CommitAsync(
                TableNames.Directory, row.Partition, [Storage.Tables.TableOperation.Replace(row.Row, properties, row.ETag)], Cancellation);
        }

        await _cluster.ForgetAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _cluster.ResolveAsync("alice@newer.test"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await PutMailboxAsync(tenant, "alice@newer.test"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
            await tenant.PutDomainAsync("newer.test", new DomainSettings(null, null), Cancellation));
        Assert.All(
            (await _cluster.RowsAsync()).Where(r => r.Partition is "address:alice@newer.test" or "domain:newer.test"),
            row => Assert.Equal(2, row.Number("f")));
    }

    private static async Task PutMailboxAsync(ITenantGrain tenant, string address) => Assert.Contains(
        (await tenant.PutMailboxAsync(Address(address), new MailboxSettings(null, null), Cancellation)).Status, [PutStatus.Created, PutStatus.Changed]);

    private static async Task<Contracts.Mailboxes.MailboxId> MailboxOfAsync(ITenantGrain tenant, string address) =>
        (await tenant.FindMailboxAsync(Address(address), Cancellation))!.Mailbox;

    private static object Shape(AddressResolution resolution) => new { resolution.Kind, resolution.Mailbox, resolution.Detail };
}
