using MailGrains.Contracts.Queues;
using MailGrains.Gateways.Tests.Wire;
using MailGrains.Storage;
using MailGrains.Testing.Faults;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>What fails for a while is a 4yz, never a refusal or a loss; when it is over, the client's repeat is kept once.</summary>
[Collection(SharedGateways.Name)]
public sealed class FailureTests(GatewayCluster cluster)
{
    [Theory]
    [InlineData(CommitFault.Full, 100, "452 4.3.1 ")]
    [InlineData(CommitFault.Full, 40_000, "452 4.3.1 ")]
    [InlineData(CommitFault.Unavailable, 100, "451 4.3.0 ")]
    [InlineData(CommitFault.Unavailable, 40_000, "451 4.3.0 ")]
    public async Task MailboxThatCantCommitTakesTheRepeat(CommitFault fault, int bytes, string reply)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        tenant.LeavesWorkForTheSweeper = true;
        cluster.Queues.Fail(tenant, EnqueueStatus.Unavailable);
        var content = TestMail.OfSize(bytes);
        using (FailMailboxes(tenant, fault))
        {
            Assert.StartsWith(reply, await SmtpClient.SendAsync(cluster, content, tenant.Address("bob")), StringComparison.Ordinal);
        }

        Assert.Equal(0, await tenant.CountAsync("bob"));
        Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("bob")), StringComparison.Ordinal);
        Assert.EndsWith(content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task CommitWhoseReplyIsLostIsFoundAndAnswered250(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var content = TestMail.OfSize(bytes);
        var lost = 0;
        cluster.Tables.WhenCommitting = (partition, _) =>
            IsMailboxOf(tenant, partition) && Interlocked.Exchange(ref lost, 1) == 0 ? CommitFault.LostAfter : null;
        try
        {
            Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("bob")), StringComparison.Ordinal);
        }
        finally
        {
            cluster.Tables.Heal();
        }

        Assert.Equal(1, lost);
        Assert.EndsWith(content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(BlobFault.Full, "452 4.3.1 ")]
    [InlineData(BlobFault.Unavailable, "451 4.3.0 ")]
    [InlineData(BlobFault.LostBefore, "451 4.3.0 ")]
    public async Task BlobThatCantBeWrittenIsNotAcknowledged(BlobFault fault, string reply)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        var content = TestMail.OfSize(1024 * 1024);
        cluster.Blobs.FailWrite(fault);

        Assert.StartsWith(
            reply, await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"), tenant.Address("carol")), StringComparison.Ordinal);
        Assert.Equal((0, 0), (await tenant.CountAsync("bob"), await tenant.CountAsync("carol")));
        Assert.StartsWith(
            "250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"), tenant.Address("carol")), StringComparison.Ordinal);
        Assert.Equal((1, 1), (await tenant.CountAsync("bob"), await tenant.CountAsync("carol")));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task RepeatAfterOneOfTwoTenantsFailedReachesTheOtherOneOnly(int bytes)
    {
        await using var ours = await TestTenant.CreateAsync(cluster, "bob");
        await using var theirs = await TestTenant.CreateAsync(cluster, "bob");
        theirs.LeavesWorkForTheSweeper = true;
        cluster.Queues.Fail(theirs, EnqueueStatus.Unavailable);
        var content = TestMail.OfSize(bytes);
        using (FailMailboxes(theirs, CommitFault.Unavailable))
        {
            Assert.StartsWith(
                "451 4.3.0 ", await SmtpClient.SendAsync(cluster, content, ours.Address("bob"), theirs.Address("bob")), StringComparison.Ordinal);
        }

        Assert.Equal((1, 0), (await ours.CountAsync("bob"), await theirs.CountAsync("bob")));
        Assert.StartsWith(
            "250 2.0.0 ", await SmtpClient.SendAsync(cluster, content, ours.Address("bob"), theirs.Address("bob")), StringComparison.Ordinal);
        foreach (var tenant in new[] { ours, theirs })
        {
            Assert.EndsWith(
                content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task DirectoryThatCantBeReadIsNeverNoSuchUserNorAWrongPassword()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var smtp = await SmtpClient.OpenAsync(cluster);
        await using var pop3 = await Pop3Client.OpenAsync(cluster);
        await smtp.MailAsync();
        using (Unreadable())
        {
            Assert.StartsWith("451 4.3.0 ", await smtp.RcptAsync(tenant.Address("nobody")), StringComparison.Ordinal);
            Assert.StartsWith("451 4.3.0 ", await smtp.RcptAsync("bob@example.com"), StringComparison.Ordinal);
            Assert.StartsWith("-ERR [SYS/TEMP] ", await pop3.LogInAsync(tenant.Address("bob"), TestTenant.Password), StringComparison.Ordinal);
        }

        Assert.StartsWith("550 5.1.1 ", await smtp.RcptAsync(tenant.Address("nobody")), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await pop3.LogInAsync(tenant.Address("bob"), TestTenant.Password), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    public async Task ListThatCantBeAskedAgainIsRefusedForNow(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        tenant.LeavesWorkForTheSweeper = true;
        await tenant.PutDomainAsync(tenant.Domain, catchAll: tenant.Address("bob"));
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync(tenant.Address("anybody"), tenant.Address("carol"));
        IDisposable? unreadable = null;

        var reply = await client.DataAsync(TestMail.OfSize(bytes), () => Task.FromResult(unreadable = Unreadable()));
        unreadable!.Dispose();

        Assert.StartsWith("451 4.3.0 ", reply, StringComparison.Ordinal);
        Assert.Equal((0, 0), (await tenant.CountAsync("bob"), await tenant.CountAsync("carol")));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(500_000)]
    public async Task ContentThatBreaksOffIsKeptByNobody(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using (var client = await SmtpClient.OpenAsync(cluster))
        {
            await client.BeginAsync(tenant.Address("bob"));
            await client.BreakOffAsync(TestMail.OfSize(bytes));
        }

        Assert.Equal(0, await tenant.CountAsync("bob"));
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
    }

    [Theory]
    [InlineData("too large", 5_000_000, "552 5.3.4 ")]
    [InlineData("bare\nline feed\r\n", 0, "550 5.6.11 ")]
    [InlineData("bare\nline feed\r\n", 40_000, "550 5.6.11 ")]
    public async Task RefusedContentLeavesNothing(string start, int bytes, string reply)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");

        Assert.StartsWith(
            reply,
            await SmtpClient.SendAsync(cluster, TestMail.OfSize(bytes) + start + "\r\n", tenant.Address("bob"), tenant.Address("carol")),
            StringComparison.Ordinal);

        Assert.Equal(0, await tenant.CountAsync("bob"));
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
    }

    private static bool IsMailboxOf(TestTenant tenant, string partition) =>
        partition.StartsWith($"mailbox:{tenant.Name}:", StringComparison.Ordinal);

    private Healing FailMailboxes(TestTenant tenant, CommitFault fault)
    {
        cluster.Tables.WhenCommitting = (partition, _) => IsMailboxOf(tenant, partition) ? fault : null;
        return new Healing(cluster.Tables);
    }

    private Healing Unreadable()
    {
        cluster.Tables.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "Busy.");
        return new Healing(cluster.Tables);
    }

    private sealed class Healing(FaultingTableStore tables) : IDisposable
    {
        public void Dispose() => tables.Heal();
    }
}
