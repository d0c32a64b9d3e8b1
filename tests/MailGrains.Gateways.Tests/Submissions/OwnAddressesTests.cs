using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Submissions;
using MailGrains.Storage;

namespace MailGrains.Gateways.Tests.Submissions;

/// <summary>Which addresses a login may give as its own.</summary>
[Collection(SharedGateways.Name)]
public sealed class OwnAddressesTests(GatewayCluster cluster)
{
    private readonly OwnAddresses _addresses = new(cluster.Grains);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("alice", true)]
    [InlineData("ALICE", true)]
    [InlineData("alice+shop", true)]
    [InlineData("+alice", false)]
    [InlineData("bob", false)]
    [InlineData("bob+alice", false)]
    [InlineData("nobody", false)]
    [InlineData("postmaster", false)]
    public async Task OwnAddressBelongsWithItsSubaddressesAndInAnyCase(string localpart, bool belongs)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        Assert.Equal(belongs, await OwnsAsync(tenant, "alice", tenant.Address(localpart)));
        Assert.Equal(belongs, await OwnsAsync(tenant, "alice", $"{localpart}@{tenant.Domain.ToUpperInvariant()}"));
    }

    [Fact]
    public async Task AliasBelongsOnlyWhereEveryWayLeadsToTheMailbox()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        await tenant.PutAliasAsync("sales", "alice");
        await tenant.PutAliasAsync("orders", "sales", "alice+orders");
        await tenant.PutAliasAsync("team", "alice", "bob");
        await tenant.PutAliasAsync("all", "sales", "team");
        await tenant.PutAliasAsync("gone", "alice", "nobody");
        await tenant.PutAliasAsync("out", "alice", "alice@elsewhere.example");
        await CloseACircleAsync(tenant);
        await tenant.PutAliasAsync("spiral", "circle", "alice");

        Assert.Equal(
            ["sales", "sales+x", "orders", "spiral"],
            await OwnedAsync(tenant, "alice", "sales", "sales+x", "orders", "team", "team+x", "all", "gone", "out", "circle", "spiral"));
        Assert.Empty(await OwnedAsync(tenant, "bob", "sales", "team", "all"));
    }

    [Fact]
    public async Task SubaddressWithARecordOfItsOwnIsThatRecords()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob", "alice+private");
        await tenant.PutAliasAsync("alice+bob", "bob");
        Assert.Empty(await OwnedAsync(tenant, "alice", "alice+bob", "alice+private"));
        Assert.Equal(["alice+bob"], await OwnedAsync(tenant, "bob", "alice+bob", "alice+private"));
    }

    [Fact]
    public async Task WhatADomainDoesWithUnknownAddressesGivesNobodyAName()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("alice"), postmaster: tenant.Address("alice"));
        Assert.Empty(await OwnedAsync(tenant, "alice", "anybody", "postmaster"));
        await tenant.PutAliasAsync("postmaster", "alice");
        await tenant.PutAliasAsync("lost", "alice", "anybody");
        Assert.Equal(["postmaster"], await OwnedAsync(tenant, "alice", "postmaster", "lost"));
    }

    [Fact]
    public async Task LongOrLargeWaysAreNobodys()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        await tenant.PutAliasAsync("a1", "alice");
        for (var i = 2; i <= OwnAddresses.MaxDepth; i++)
        {
            await tenant.PutAliasAsync($"a{i}", $"a{i - 1}");
        }

        await tenant.PutAliasAsync("many", [.. Enumerable.Range(0, OwnAddresses.MaxAddresses).Select(i => $"alice+{i}")]);
        Assert.Equal(["a9"], await OwnedAsync(tenant, "alice", "a9", "a10", "many"));
    }

    [Fact]
    public async Task NameThatWentAwayBelongsToNobody()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "temp");
        await using var other = await TestTenant.CreateAsync(cluster, "alice");
        var alice = await tenant.MailboxAsync("alice");
        var temp = await tenant.MailboxAsync("temp");
        await tenant.DeleteMailboxAsync("temp");
        Assert.False(await _addresses.OwnsAsync(temp, Parse(tenant.Address("temp")), Cancel));
        await tenant.AddMailboxAsync("temp");
        Assert.False(await _addresses.OwnsAsync(temp, Parse(tenant.Address("temp")), Cancel));
        Assert.False(await _addresses.OwnsAsync(alice, Parse(other.Address("alice")), Cancel));
        Assert.False(await _addresses.OwnsAsync(alice, Parse("alice@elsewhere.example"), Cancel));
    }

    [Fact]
    public async Task NoIsNeverSaidOfADirectoryThatCantBeRead()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        var alice = await tenant.MailboxAsync("alice");
        cluster.Tables.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "Busy.");
        try
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _addresses.OwnsAsync(alice, Parse(tenant.Address("nobody")), Cancel));
        }
        finally
        {
            cluster.Tables.Heal();
        }
    }

    /// <summary>A tenant takes no alias that leads back to itself; one whose way goes through a subaddress gets there when that loses its own record.</summary>
    private static async Task CloseACircleAsync(TestTenant tenant)
    {
        await tenant.PutAliasAsync("turn+x", "alice");
        await tenant.PutAliasAsync("circle", "turn+x");
        await tenant.PutAliasAsync("turn", "circle");
        Assert.Equal(DeleteOutcome.Deleted, await tenant.Grain.DeleteAliasAsync(Parse(tenant.Address("turn+x")), Cancel));
    }

    private async Task<bool> OwnsAsync(TestTenant tenant, string localpart, string address) =>
        await _addresses.OwnsAsync(await tenant.MailboxAsync(localpart), Parse(address), Cancel);

    private async Task<IReadOnlyList<string>> OwnedAsync(TestTenant tenant, string localpart, params IReadOnlyList<string> candidates)
    {
        var owned = new List<string>();
        foreach (var candidate in candidates)
        {
            if (await OwnsAsync(tenant, localpart, tenant.Address(candidate)))
            {
                owned.Add(candidate);
            }
        }

        return owned;
    }

    private static AddressName Parse(string address) => AddressName.TryParse(address, out var name) ? name : throw new ArgumentException(address);
}
