using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>What an address means, in which order, and what it costs to say.</summary>
[Collection(SharedDirectory.Name)]
public sealed class AddressTests(DirectoryCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BackupMxDomainKeepsEveryAddressForItsTenantUntilItIsNoneAnyMore()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.Grain.PutDomainAsync(tenant.Domain, new DomainSettings(tenant.Address("bob").ToString(), null) { BackupMx = true }, None);
        Assert.True((await tenant.Grain.FindDomainAsync(tenant.Domain, None))!.Settings.BackupMx);
        foreach (var name in new[] { "bob", "nobody", "postmaster", "bob+x" })
        {
            var meaning = await tenant.ResolveAsync(name);
            Assert.Equal((AddressKind.BackupMx, tenant.Name, 0), (meaning.Kind, meaning.Tenant, meaning.Targets.Length));
        }

        await tenant.PutDomainAsync(tenant.Domain);
        Assert.Equal(AddressKind.Mailbox, (await tenant.ResolveAsync("bob")).Kind);
        Assert.Equal(AddressKind.NoSuchUser, (await tenant.ResolveAsync("nobody")).Kind);
    }

    [Fact]
    public async Task AliasAndCatchAllNameTheirTenant()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.PutAliasAsync("away", "bob@elsewhere.test");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: "all@elsewhere.test", postmaster: "master@elsewhere.test");
        foreach (var name in new[] { "away", "away+x", "nobody", "postmaster" })
        {
            Assert.Equal(tenant.Name, (await tenant.ResolveAsync(name)).Tenant);
        }
    }

    [Fact]
    public async Task MeaningsComeInTheirOrder()
    {
        var tenant = await cluster.NewTenantAsync("bob", "carol");
        var (bob, carol) = ((await tenant.FindMailboxAsync("bob"))!.Mailbox, (await tenant.FindMailboxAsync("carol"))!.Mailbox);

        Assert.Equal(AddressKind.NoSuchUser, (await tenant.ResolveAsync("dave")).Kind);
        Assert.Equal(AddressKind.NoSuchUser, (await tenant.ResolveAsync("+bob")).Kind);
        Assert.Equal(AddressKind.NotLocal, (await tenant.ResolveAsync("bob@elsewhere.test")).Kind);
        Assert.Equal((bob, ""), await MailboxAsync(tenant, "bob"));
        Assert.Equal((bob, "one+two"), await MailboxAsync(tenant, "bob+one+two"));

        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("carol").ToString());
        Assert.Equal([tenant.Address("carol").ToString()], (await tenant.ResolveAsync("dave")).Targets);
        Assert.Equal((bob, "x"), await MailboxAsync(tenant, "bob+x"));

        await tenant.PutMailboxAsync("bob+x");
        Assert.Equal(((await tenant.FindMailboxAsync("bob+x"))!.Mailbox, ""), await MailboxAsync(tenant, "bob+x"));
        Assert.Equal((carol, ""), await MailboxAsync(tenant, "carol"));
    }

    [Fact]
    public async Task CatchAllWithoutARecordIsNobody()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("gone").ToString());

        Assert.Equal(AddressKind.NoSuchUser, (await tenant.ResolveAsync("gone")).Kind);
        Assert.Equal([tenant.Address("gone").ToString()], (await tenant.ResolveAsync("dave")).Targets);
    }

    [Fact]
    public async Task PostmasterFallsBackStepByStep()
    {
        var tenant = await cluster.NewTenantAsync();
        var second = "second-" + tenant.Domain;
        await tenant.PutDomainAsync(second);

        // Nobody is there to keep the mail: it waits.
        await Assert.ThrowsAsync<StoreUnavailableException>(() => tenant.ResolveAsync("postmaster"));
        await tenant.PutDomainAsync(tenant.Domain, catchAll: "ops@elsewhere.test");
        Assert.Equal(["ops@elsewhere.test"], (await tenant.ResolveAsync("postmaster")).Targets);

        // The tenant's first, the domain's first, the domain's setting, an own record.
        await tenant.PutMailboxAsync($"zoe@{second}");
        Assert.Equal(((await tenant.FindMailboxAsync($"zoe@{second}"))!.Mailbox, ""), await MailboxAsync(tenant, "postmaster"));
        await tenant.PutMailboxAsync("bob");
        await tenant.PutMailboxAsync("anna");
        Assert.Equal(((await tenant.FindMailboxAsync("anna"))!.Mailbox, "tag"), await MailboxAsync(tenant, "postmaster+tag"));
        Assert.Equal(((await tenant.FindMailboxAsync($"zoe@{second}"))!.Mailbox, ""), await MailboxAsync(tenant, $"POSTMASTER@{second}"));
        await tenant.PutDomainAsync(tenant.Domain, postmaster: tenant.Address("gone").ToString());
        Assert.Equal(((await tenant.FindMailboxAsync("anna"))!.Mailbox, ""), await MailboxAsync(tenant, "postmaster"));
        await tenant.PutDomainAsync(tenant.Domain, postmaster: tenant.Address("bob").ToString());
        Assert.Equal([tenant.Address("bob").ToString()], (await tenant.ResolveAsync("postmaster")).Targets);
        await tenant.PutMailboxAsync("postmaster");
        Assert.Equal(((await tenant.FindMailboxAsync("postmaster"))!.Mailbox, ""), await MailboxAsync(tenant, "postmaster"));
    }

    [Fact]
    public async Task PostmasterOfAHalfMadeMailboxIsTheNextOne()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        cluster.Tables.WhenCommitting = (partition, _) =>
            partition.StartsWith("mailbox:", StringComparison.Ordinal) ? MailGrains.Testing.Faults.CommitFault.Unavailable : null;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => tenant.PutMailboxAsync("anna"));
        cluster.Tables.Heal();

        Assert.Equal(((await tenant.FindMailboxAsync("bob"))!.Mailbox, ""), await MailboxAsync(tenant, "postmaster"));
    }

    [Fact]
    public async Task RecordOfATenantThatHadTheDomainBeforeCountsAsNone()
    {
        var before = await cluster.NewTenantAsync();
        var after = await cluster.NewTenantAsync();
        var domain = "moving-" + before.Domain;
        await before.PutDomainAsync(domain);
        var record = new AddressRecord(
            (await before.Grain.FindDomainAsync(domain, None))!.Id, before.Name, AddressKind.Mailbox, MailboxId.New(before.Name, 0), []);
        var grain = before.AddressGrain($"left@{domain}");
        Assert.Equal(DirectoryWrite.Written, await grain.PutAsync(record, 1_000, None));
        Assert.Equal(AddressKind.Mailbox, (await grain.ResolveAsync(None)).Kind);

        // Left behind, as a crash could leave it.
        await before.Grain.DeleteDomainAsync(domain, None);
        Assert.Equal(AddressKind.NotLocal, (await grain.ResolveAsync(None)).Kind);
        await after.PutDomainAsync(domain);

        Assert.Equal(AddressKind.NoSuchUser, (await grain.ResolveAsync(None)).Kind);
        Assert.Equal(DirectoryWrite.Stale, await grain.PutAsync(record, 2_000, None));

        // The name is free for its new owner, whose revisions are lower.
        await after.PutMailboxAsync($"left@{domain}");
        Assert.Equal((await after.FindMailboxAsync($"left@{domain}"))!.Mailbox, (await grain.ResolveAsync(None)).Mailbox);
    }

    [Fact]
    public async Task YesCostsNoReadAndNoCostsTwoOrThree()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.ResolveAsync("bob");

        Assert.Equal(0, await ReadsAsync(tenant, "bob"));
        Assert.Equal(2, await ReadsAsync(tenant, "nobody"));
        Assert.Equal(3, await ReadsAsync(tenant, "nobody+tag"));
        Assert.Equal(2, await ReadsAsync(tenant, "nobody"));
    }

    [Fact]
    public async Task StoreThatCantBeReadIsNeverNoSuchUser()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.ResolveAsync("bob");
        cluster.Tables.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "Busy.");
        try
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => tenant.ResolveAsync("nobody"));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => tenant.ResolveAsync("nobody@elsewhere.test"));
            Assert.Equal(AddressKind.Mailbox, (await tenant.ResolveAsync("bob")).Kind);
        }
        finally
        {
            cluster.Tables.Heal();
        }
    }

    private static async Task<(MailboxId Mailbox, string Detail)> MailboxAsync(TestTenant tenant, string text)
    {
        var resolution = await tenant.ResolveAsync(text);
        Assert.Equal(AddressKind.Mailbox, resolution.Kind);
        return (resolution.Mailbox, resolution.Detail);
    }

    private async Task<long> ReadsAsync(TestTenant tenant, string text)
    {
        var before = cluster.Tables.Reads;
        await tenant.ResolveAsync(text);
        return cluster.Tables.Reads - before;
    }
}
