using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>A change that fails between any two of its steps is repeated by its caller, and goes on from there.</summary>
[Collection(SharedDirectory.Name)]
public sealed class InterruptedChangeTests(DirectoryCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    public static TheoryData<CommitFault> Faults => [CommitFault.Unavailable, CommitFault.LostBefore, CommitFault.LostAfter];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task MailboxKeepsItsIdThroughAPutThatIsRepeated(CommitFault fault)
    {
        MailboxRecord? half = null;
        var steps = await cluster.InterruptAsync(
            fault,
            () => cluster.NewTenantAsync(),
            tenant => tenant.PutMailboxAsync("bob", quotaBytes: 1_000),
            async tenant =>
            {
                half = await tenant.FindMailboxAsync("bob");

                // Mail is let in when everything stands.
                if ((await tenant.ResolveAsync("bob")).Kind == AddressKind.Mailbox)
                {
                    Assert.NotNull(await tenant.LogInAsync("bob"));
                    Assert.True(await tenant.ExistsAsync(half!.Mailbox));
                }
            },
            async tenant =>
            {
                var outcome = await tenant.PutMailboxAsync("bob", quotaBytes: 1_000);

                Assert.Equal(half is { Complete: true } ? PutOutcome.Changed : PutOutcome.Created, outcome);
                var whole = (await tenant.FindMailboxAsync("bob"))!;
                Assert.True(whole.Complete);
                Assert.Equal(half?.Mailbox ?? whole.Mailbox, whole.Mailbox);
                Assert.Equal(whole.Mailbox, (await tenant.ResolveAsync("bob")).Mailbox);
                Assert.Equal(whole.Mailbox, await tenant.LogInAsync("bob"));
                Assert.True(await tenant.ExistsAsync(whole.Mailbox));
            });
        Assert.Equal(5, steps);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task MailboxIsGoneAfterADeleteThatIsRepeated(CommitFault fault)
    {
        MailboxId id = default;
        MailboxRecord? half = null;
        await cluster.InterruptAsync(
            fault,
            async () =>
            {
                var tenant = await cluster.NewTenantAsync("bob");
                id = (await tenant.FindMailboxAsync("bob"))!.Mailbox;
                return tenant;
            },
            tenant => tenant.DeleteMailboxAsync("bob"),
            async tenant => half = await tenant.FindMailboxAsync("bob"),
            async tenant =>
            {
                Assert.Equal(half is null ? DeleteOutcome.NotFound : DeleteOutcome.Deleted, await tenant.DeleteMailboxAsync("bob"));

                Assert.Null(await tenant.FindMailboxAsync("bob"));
                Assert.Equal(AddressKind.NoSuchUser, (await tenant.ResolveAsync("bob")).Kind);
                Assert.Null(await tenant.LogInAsync("bob"));
                Assert.False(await tenant.ExistsAsync(id));
                Assert.Equal(DeleteOutcome.Deleted, await tenant.Grain.DeleteDomainAsync(tenant.Domain, None));
            });
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task MailboxThatIsMadeAgainAfterAHalfDeleteIsAnotherOne(CommitFault fault)
    {
        MailboxId id = default;
        var isDeleting = false;
        await cluster.InterruptAsync(
            fault,
            async () =>
            {
                var tenant = await cluster.NewTenantAsync("bob");
                id = (await tenant.FindMailboxAsync("bob"))!.Mailbox;
                return tenant;
            },
            tenant => tenant.DeleteMailboxAsync("bob"),
            async tenant => isDeleting = await tenant.FindMailboxAsync("bob") is not { Complete: true },
            async tenant =>
            {
                var outcome = await tenant.PutMailboxAsync("bob", password: null);

                Assert.Equal(isDeleting ? PutOutcome.Created : PutOutcome.Changed, outcome);
                var now = (await tenant.FindMailboxAsync("bob"))!.Mailbox;
                Assert.Equal(isDeleting, now != id);
                Assert.Equal(!isDeleting, await tenant.ExistsAsync(id));
                Assert.Equal(now, (await tenant.ResolveAsync("bob")).Mailbox);

                // The old one's password does not open the new one.
                Assert.Equal(isDeleting ? null : id, await tenant.LogInAsync("bob"));
            });
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task DomainKeepsItsIdThroughAPutThatIsRepeatedAndGoesByADelete(CommitFault fault)
    {
        string Second(TestTenant tenant) => "second-" + tenant.Domain;
        IDomainGrain Grain(TestTenant tenant) => cluster.Grains.GetGrain<IDomainGrain>(Second(tenant));
        DomainRecord? half = null;
        var steps = await cluster.InterruptAsync(
            fault,
            () => cluster.NewTenantAsync(),
            tenant => tenant.PutDomainAsync(Second(tenant)),
            async tenant => half = await tenant.Grain.FindDomainAsync(Second(tenant), None),
            async tenant =>
            {
                Assert.True((await tenant.PutDomainAsync(Second(tenant))).Status is PutStatus.Created or PutStatus.Changed);
                var whole = (await tenant.Grain.FindDomainAsync(Second(tenant), None))!;
                Assert.Equal(half?.Id ?? whole.Id, whole.Id);
                Assert.Equal(whole, await Grain(tenant).FindAsync(None));
            });
        Assert.Equal(3, steps);

        await cluster.InterruptAsync(
            fault,
            async () =>
            {
                var tenant = await cluster.NewTenantAsync();
                await tenant.PutDomainAsync(Second(tenant));
                return tenant;
            },
            async tenant => await tenant.Grain.DeleteDomainAsync(Second(tenant), None),
            async tenant => half = await tenant.Grain.FindDomainAsync(Second(tenant), None),
            async tenant =>
            {
                Assert.Equal(
                    half is null ? DeleteOutcome.NotFound : DeleteOutcome.Deleted, await tenant.Grain.DeleteDomainAsync(Second(tenant), None));
                Assert.Null(await Grain(tenant).FindAsync(None));

                // Another tenant may have it now, under another id.
                var other = await cluster.NewTenantAsync();
                Assert.Equal(PutOutcome.Created, await other.PutDomainAsync(Second(tenant)));
                Assert.NotEqual(half?.Id, (await Grain(tenant).FindAsync(None))!.Id);
            });
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task AliasStandsAfterAPutThatIsRepeatedAndIsGoneAfterADelete(CommitFault fault)
    {
        await cluster.InterruptAsync(
            fault,
            () => cluster.NewTenantAsync("bob"),
            tenant => tenant.PutAliasAsync("staff", "bob"),
            _ => Task.CompletedTask,
            async tenant =>
            {
                Assert.True((await tenant.PutAliasAsync("staff", "bob")).Status is PutStatus.Created or PutStatus.Changed);
                Assert.Equal([tenant.Address("bob").ToString()], (await tenant.ResolveAsync("staff")).Targets);
            });
        await cluster.InterruptAsync(
            fault,
            async () =>
            {
                var tenant = await cluster.NewTenantAsync("bob");
                await tenant.PutAliasAsync("staff", "bob");
                return tenant;
            },
            async tenant => await tenant.Grain.DeleteAliasAsync(tenant.Address("staff"), None),
            _ => Task.CompletedTask,
            async tenant =>
            {
                await tenant.Grain.DeleteAliasAsync(tenant.Address("staff"), None);
                Assert.Equal(AddressKind.NoSuchUser, (await tenant.ResolveAsync("staff")).Kind);
                Assert.Null(await tenant.Grain.FindAliasAsync(tenant.Address("staff"), None));
                Assert.Equal(PutOutcome.Created, await tenant.PutMailboxAsync("staff"));
            });
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task TenantIsListedWhileItStandsAndNotWhenItIsGone(CommitFault fault)
    {
        await cluster.InterruptAsync(
            fault,
            () => Task.FromResult(new TestTenant(cluster, $"t{Guid.NewGuid():n}"[..20])),
            async tenant => await tenant.Grain.PutAsync(new TenantSettings("ours"), None),
            async tenant =>
            {
                if (await tenant.Grain.FindAsync(None) is not null)
                {
                    Assert.True(await IsListedAsync(tenant));
                }
            },
            async tenant =>
            {
                await tenant.Grain.PutAsync(new TenantSettings("ours"), None);
                Assert.Equal("ours", (await tenant.Grain.FindAsync(None))!.Settings.DisplayName);
                Assert.True(await IsListedAsync(tenant));
            });
        await cluster.InterruptAsync(
            fault,
            async () =>
            {
                var tenant = new TestTenant(cluster, $"t{Guid.NewGuid():n}"[..20]);
                await tenant.Grain.PutAsync(new TenantSettings(null), None);
                return tenant;
            },
            async tenant => await tenant.Grain.DeleteAsync(None),
            _ => Task.CompletedTask,
            async tenant =>
            {
                await tenant.Grain.DeleteAsync(None);
                Assert.Null(await tenant.Grain.FindAsync(None));
                Assert.False(await IsListedAsync(tenant));
            });
    }

    private async Task<bool> IsListedAsync(TestTenant tenant)
    {
        var page = await cluster.Grains.GetGrain<IDirectoryGrain>(0).ListTenantsAsync(null, DirectoryPage.MaxLimit, None);
        return page.Names.Contains(tenant.Name);
    }
}
