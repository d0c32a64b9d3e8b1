using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Directory;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>A second activation of a tenant, and commits that arrive late, never undo what came after them.</summary>
[Collection(SharedDirectory.Name)]
public sealed class FencingTests(DirectoryCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StaleActivationOfATenantCommitsNothing()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var partition = new TenantPartition(new DirectoryTable(cluster.Accounts), tenant.Name);
        var (row, type) = (TenantPartition.MailboxRow(tenant.Address("bob")), StoredJson.Readable.MailboxEntry);
        var stale = new TenantChange(partition, tenant.Name, await partition.ReadHeaderAsync(None));
        var before = await partition.ReadAsync(row, type, None);

        // The other activation changes something else entirely.
        await tenant.PutMailboxAsync("carol");

        await Assert.ThrowsAsync<TenantConflictException>(
            () => stale.CommitAsync(row, before, before!.Value with { State = EntryState.Deleting }, type).AsTask());
        Assert.True((await tenant.FindMailboxAsync("bob"))!.Complete);
    }

    [Fact]
    public async Task WhatAStaleActivationTellsOtherGrainsIsRefused()
    {
        var tenant = await cluster.NewTenantAsync("bob", "carol");
        var partition = new TenantPartition(new DirectoryTable(cluster.Accounts), tenant.Name);
        var before = (await partition.ReadHeaderAsync(None))!.Revision;
        var record = (await tenant.AddressGrain("bob").FindAsync(true, None))!;
        var domain = (await tenant.Grain.FindDomainAsync(tenant.Domain, None))!;
        await tenant.PutMailboxAsync("bob", "a newer password");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("bob").ToString());

        var late = MailboxId.New(tenant.Name, 0);
        Assert.Equal(DirectoryWrite.Stale, await tenant.AddressGrain("bob").PutAsync(record with { Mailbox = late }, before, None));
        Assert.Equal(DirectoryWrite.Stale, await tenant.AddressGrain("bob").DeleteAsync(record.DomainId, before, None));
        Assert.Equal(DirectoryWrite.Stale, await tenant.Account("bob").PutAsync(late, "an older password", null, before, None));
        Assert.Equal(DirectoryWrite.Stale, await tenant.Account("bob").DeleteAsync(before, None));
        var grain = cluster.Grains.GetGrain<IDomainGrain>(tenant.Domain);
        Assert.Equal(DirectoryWrite.Stale, await grain.PutAsync(domain, before, None));
        Assert.Equal(DirectoryWrite.Stale, await grain.DeleteAsync(domain.Id, tenant.Name, before, None));

        Assert.Equal(record.Mailbox, (await tenant.ResolveAsync("bob")).Mailbox);
        Assert.Equal(record.Mailbox, await tenant.LogInAsync("bob", "a newer password"));
        Assert.Equal(record.Mailbox, (await cluster.Grains.GetGrain<IAddressGrain>(
            (await tenant.ResolveAsync("anybody")).Targets.Single()).ResolveAsync(None)).Mailbox);
    }

    [Fact]
    public async Task RevisionsOutliveWhatWasDeleted()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var partition = new TenantPartition(new DirectoryTable(cluster.Accounts), tenant.Name);
        var record = (await tenant.AddressGrain("bob").FindAsync(true, None))!;
        var revision = (await partition.ReadHeaderAsync(None))!.Revision;
        await tenant.DeleteMailboxAsync("bob");

        // A late PUT of before the deletion does not bring it back.
        Assert.Equal(DirectoryWrite.Stale, await tenant.AddressGrain("bob").PutAsync(record, revision, None));
        Assert.Equal(DirectoryWrite.Stale, await tenant.Account("bob").PutAsync(record.Mailbox, TestTenant.Password, null, revision, None));

        await tenant.Grain.DeleteDomainAsync(tenant.Domain, None);
        await tenant.Grain.DeleteAsync(None);
        await tenant.Grain.PutAsync(new TenantSettings(null), None);
        Assert.True((await partition.ReadHeaderAsync(None))!.Revision > revision);
    }

    [Theory]
    [InlineData("tenant:")]
    [InlineData("account:")]
    [InlineData("address:")]
    public async Task CommitThatArrivesLateIsRefusedByTheStore(string partitions)
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var id = (await tenant.FindMailboxAsync("bob"))!.Mailbox;
        var delayed = 0;
        cluster.Tables.WhenCommitting = (partition, operations) =>
            partition.StartsWith(partitions, StringComparison.Ordinal) && !operations[0].Row.EndsWith("!logins", StringComparison.Ordinal) && Interlocked.Increment(ref delayed) == 1 ? CommitFault.Delayed : null;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => tenant.PutMailboxAsync("bob", "the late password", 77));
        cluster.Tables.Heal();
        Assert.Equal(PutOutcome.Changed, await tenant.PutMailboxAsync("bob", "the last password", 99));

        Assert.False((await cluster.Tables.LandDelayedAsync(None)).Committed);

        var found = (await tenant.FindMailboxAsync("bob"))!;
        Assert.Equal((id, 99, true), (found.Mailbox, found.QuotaBytes, found.Complete));
        Assert.Equal(id, (await tenant.ResolveAsync("bob")).Mailbox);
        Assert.Equal(id, await tenant.LogInAsync("bob", "the last password"));
        Assert.Null(await tenant.LogInAsync("bob", "the late password"));
    }

    [Fact]
    public async Task DomainOfAnotherTenantIsNotTakenNorTouched()
    {
        var ours = await cluster.NewTenantAsync("bob");
        var theirs = await cluster.NewTenantAsync();
        var before = await cluster.Grains.GetGrain<IDomainGrain>(ours.Domain).FindAsync(None);

        Assert.Equal(PutStatus.Taken, (await theirs.PutDomainAsync(ours.Domain)).Status);
        Assert.Equal(DeleteOutcome.NotFound, await theirs.Grain.DeleteDomainAsync(ours.Domain, None));
        Assert.Equal(PutStatus.NoParent, (await theirs.Grain.PutMailboxAsync(ours.Address("bob"), new MailboxSettings("a password", 0), None)).Status);
        Assert.Equal(DeleteOutcome.NotFound, await theirs.Grain.DeleteMailboxAsync(ours.Address("bob"), None));

        Assert.Equal(before, await cluster.Grains.GetGrain<IDomainGrain>(ours.Domain).FindAsync(None));
        Assert.Equal(AddressKind.Mailbox, (await ours.ResolveAsync("bob")).Kind);
    }
}
