using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Senders;

namespace MailGrains.Gateways.Tests.Submissions;

/// <summary>How much a login may send, and what of it counts.</summary>
[Collection(SharedGateways.Name)]
public sealed class AllowanceTests(GatewayCluster cluster)
{
    private static readonly SendingLimits Few = new(2, 100, 5, 100);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MessagesOverTheLimitHear450WithTheTimeToWait()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var alice = await LogInAsync(tenant, Few);
        Assert.StartsWith("250 2.0.0 ", await SendAsync(alice, tenant), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await SendAsync(alice, tenant), StringComparison.Ordinal);

        Assert.Matches("^450 4\\.7\\.1 Your sending limit of 2 .+ is reached, try again in [0-9]+ minutes$", await SendAsync(alice, tenant));

        // Another connection of the same account has what is left, another account has its own.
        Assert.StartsWith("450 4.7.1 ", await SendAsync(await LogInAsync(tenant, Few), tenant), StringComparison.Ordinal);
        Assert.Equal(2, await tenant.CountAsync("bob"));
        Assert.Equal((2, 2), await UsageAsync($"{tenant.Name}/{tenant.Address("alice")}"));
        Assert.Equal((2, 2), await UsageAsync(tenant.Name));
    }

    [Fact]
    public async Task RecipientsCountToo()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        var alice = await LogInAsync(tenant, Few);

        // No wait would help.
        Assert.StartsWith("550 5.7.1 ", await TakeAsync(alice, 6), StringComparison.Ordinal);
        Assert.Equal("", await TakeAsync(alice, 5));
        Assert.Equal((1, 5), await UsageAsync(tenant.Name));
        Assert.StartsWith("450 4.7.1 ", await TakeAsync(await LogInAsync(tenant, Few), 1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsNotSentIsGivenBack()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var alice = await LogInAsync(tenant, new SendingLimits(1, 1, 10, 10));

        // Refused content.
        Assert.StartsWith("554 5.7.1 ", await alice.SendAsync("", $"From: {tenant.Address("bob")}\r\n\r\nhi\r\n", tenant, "bob"), StringComparison.Ordinal);
        Assert.StartsWith("554 5.6.0 ", await alice.SendAsync("", "hi", tenant, "bob"), StringComparison.Ordinal);
        Assert.Equal((0, 0), await UsageAsync(tenant.Name));

        // Content that never began.
        Assert.Equal("", await TakeAsync(alice, 3));
        Assert.Equal("", await TakeAsync(alice, 2));
        Assert.Equal((1, 2), await UsageAsync(tenant.Name));

        Assert.StartsWith("250 2.0.0 ", await SendAsync(alice, tenant), StringComparison.Ordinal);
        Assert.StartsWith("450 4.7.1 ", await SendAsync(alice, tenant), StringComparison.Ordinal);
        Assert.Equal((1, 1), await UsageAsync(tenant.Name));
    }

    [Fact]
    public async Task WhatSomeRecipientsHaveCountsAlthoughTheReplyIsAFailure()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        await tenant.AddMailboxAsync("full", quotaBytes: 10);
        var alice = await LogInAsync(tenant, Few);
        var content = $"From: {tenant.Address("alice")}\r\n\r\nhi\r\n";

        Assert.StartsWith("452 4.2.2 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "full"), StringComparison.Ordinal);
        Assert.Equal((0, 0), await UsageAsync(tenant.Name));

        cluster.Queues.Fail(tenant, EnqueueStatus.Unavailable);
        Assert.StartsWith("451 4.3.0 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "bob", "full"), StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("bob"));
        Assert.Equal((1, 2), await UsageAsync(tenant.Name));
    }

    [Fact]
    public async Task WhatTheTenantRefusesIsGivenBackToTheAccount()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        var alice = await LogInAsync(tenant, new SendingLimits(10, 10, 1_000_000, 1_000_000));
        Assert.StartsWith("550 5.7.1 ", await TakeAsync(alice, 900_000), StringComparison.Ordinal);
        Assert.Equal((0, 0), await UsageAsync($"{tenant.Name}/{tenant.Address("alice")}"));
    }

    private async Task<Submitter> LogInAsync(TestTenant tenant, SendingLimits limits)
    {
        var submitter = await Submitter.LogInAsync(cluster, tenant, "alice");
        submitter.Rights = new([], limits);
        return submitter;
    }

    private static Task<string> SendAsync(Submitter submitter, TestTenant tenant) =>
        submitter.SendAsync(tenant.Address("alice"), $"From: {tenant.Address("alice")}\r\n\r\nhi\r\n", tenant, "bob");

    private static async Task<string> TakeAsync(Submitter submitter, int recipients) =>
        await submitter.Submission.TakeAllowanceAsync(recipients, Cancel) is { } refusal ? refusal.ToString() : "";

    private async Task<(int Messages, int Recipients)> UsageAsync(string key)
    {
        var usage = await cluster.Grains.GetGrain<ISenderGrain>(key).GetUsageAsync(null, Cancel);
        return (usage.MessagesThisHour, usage.RecipientsThisHour);
    }
}
