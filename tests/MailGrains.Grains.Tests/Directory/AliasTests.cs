using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>Aliases that would lead back to themselves, or too far, are refused when they are made.</summary>
[Collection(SharedDirectory.Name)]
public sealed class AliasTests(DirectoryCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AliasOfItselfIsRefused()
    {
        var tenant = await cluster.NewTenantAsync("bob");

        await RefusedAsync(tenant, "staff", "staff");
        await RefusedAsync(tenant, "staff", "bob", "STAFF");
        await RefusedAsync(tenant, "staff", "staff+tag");
    }

    [Fact]
    public async Task SubaddressWithARecordOfItsOwnIsNoLoop()
    {
        var tenant = await cluster.NewTenantAsync("staff+archive");

        Assert.Equal(PutOutcome.Created, await tenant.PutAliasAsync("staff", "staff+archive"));
    }

    [Fact]
    public async Task LoopOverOtherAliasesIsRefusedWhicheverClosesIt()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        Assert.Equal(PutOutcome.Created, await tenant.PutAliasAsync("one", "two"));
        Assert.Equal(PutOutcome.Created, await tenant.PutAliasAsync("two", "bob", "three"));

        await RefusedAsync(tenant, "three", "bob", "one");
        await RefusedAsync(tenant, "three", "two");
        Assert.Equal(PutOutcome.Created, await tenant.PutAliasAsync("three", "bob"));
        Assert.Equal(PutStatus.Invalid, (await tenant.PutAliasAsync("three", "one")).Status);
        Assert.Equal([tenant.Address("bob").ToString()], (await tenant.ResolveAsync("three")).Targets);
    }

    [Fact]
    public async Task LoopOverAnotherTenantIsRefused()
    {
        var ours = await cluster.NewTenantAsync();
        var theirs = await cluster.NewTenantAsync();
        await theirs.PutAliasAsync("list", ours.Address("list").ToString());

        await RefusedAsync(ours, "list", theirs.Address("list").ToString());
    }

    [Fact]
    public async Task LoopOverCatchAllOrPostmasterIsRefused()
    {
        var tenant = await cluster.NewTenantAsync();
        var (catching, keeping) = ("catching-" + tenant.Domain, "keeping-" + tenant.Domain);
        await tenant.PutDomainAsync(catching, catchAll: tenant.Address("list").ToString());
        await tenant.PutDomainAsync(keeping, postmaster: tenant.Address("list").ToString());

        await RefusedAsync(tenant, "list", $"anybody@{catching}");
        await RefusedAsync(tenant, "list", $"postmaster@{keeping}");
    }

    [Fact]
    public async Task WayOfMoreThanTenStepsIsRefused()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.PutAliasAsync("a0", "bob");
        var made = 1;
        while ((await tenant.PutAliasAsync($"a{made}", $"a{made - 1}")).Status == PutStatus.Created)
        {
            made++;
        }

        Assert.Equal(10, made);
        Assert.Null(await tenant.Grain.FindAliasAsync(tenant.Address($"a{made}"), None));
    }

    [Fact]
    public async Task TargetsAreKeptOnceAndAsGiven()
    {
        var tenant = await cluster.NewTenantAsync();
        var alias = tenant.Address("staff");

        await tenant.Grain.PutAliasAsync(alias, ["Ann.Lee@Example.ORG", "ann.lee@example.org", "\"a b\"@example.org"], None);

        Assert.Equal(["Ann.Lee@example.org", "\"a b\"@example.org"], (await tenant.Grain.FindAliasAsync(alias, None))!.Targets);
    }

    private async Task RefusedAsync(TestTenant tenant, string alias, params IReadOnlyList<string> targets)
    {
        Assert.Equal(PutStatus.Invalid, (await tenant.PutAliasAsync(alias, targets)).Status);
        Assert.Null(await tenant.Grain.FindAliasAsync(tenant.Address(alias), None));
        Assert.NotNull(await cluster.ReadRowAsync("tenant:" + tenant.Name, "tenant"));
    }
}
