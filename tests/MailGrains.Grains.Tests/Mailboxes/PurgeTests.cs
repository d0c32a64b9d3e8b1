using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>Each test has a cluster of its own: they move the clock, and upkeep looks at all mailboxes.</summary>
public sealed class PurgeTests : IAsyncLifetime
{
    private static CancellationToken None => TestContext.Current.CancellationToken;
    private readonly PurgeCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        Assert.Empty((await BodyCheck.RunAsync(_cluster.Accounts, None)).Losses);
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task AnExpungedMessageLeavesIndexAndQuotaAtOnceAndItsRowsWhenTheWindowIsOver()
    {
        await using var mailbox = await _cluster.CreateAsync();
        var emails = await DeliverAsync(mailbox, 3);
        Assert.Equal(2, await mailbox.Grain.ExpungeAsync(1, [3, 1, 1, 99], None));
        Assert.Equal(0, await mailbox.Grain.ExpungeAsync(1, [1], None));

        Assert.Equal([2u], (await mailbox.ListAsync()).Select(m => m.Uid));
        Assert.Equal((await mailbox.ListAsync())[0].Bytes, (await mailbox.Grain.GetOverviewAsync(None))!.UsedBytes);
        Assert.Empty(await mailbox.Grain.GetContentAsync([emails[0]], None));

        _cluster.Time.Advance(TimeSpan.FromDays(29));
        Assert.Equal(0, (await _cluster.Upkeep.RunAsync(None)).Messages);
        Assert.True(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[0])));

        _cluster.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(2, (await _cluster.Upkeep.RunAsync(None)).Messages);
        Assert.False(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[0])));
        Assert.False(await _cluster.HasRowAsync(mailbox.Id, MessageRows.BodyRow(emails[2])));
        Assert.True(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[1])));
        Assert.Equal(0, (await _cluster.Upkeep.RunAsync(None)).Mailboxes);
    }

    [Fact]
    public async Task LaterExpungesAreServedInTheirTurn()
    {
        await using var mailbox = await _cluster.CreateAsync();
        var emails = await DeliverAsync(mailbox, 2);
        await mailbox.Grain.ExpungeAsync(1, [1], None);
        _cluster.Time.Advance(TimeSpan.FromDays(10));
        await mailbox.Grain.ExpungeAsync(1, [2], None);
        await _cluster.ReactivateAsync(mailbox.Id);

        _cluster.Time.Advance(TimeSpan.FromDays(20));
        Assert.Equal(1, (await _cluster.Upkeep.RunAsync(None)).Messages);
        Assert.True(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[1])));
        _cluster.Time.Advance(TimeSpan.FromDays(10));
        Assert.Equal(1, (await _cluster.Upkeep.RunAsync(None)).Messages);
        Assert.False(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[1])));
    }

    [Fact]
    public async Task EraseNowSkipsTheWindow()
    {
        await using var mailbox = await _cluster.CreateAsync();
        var large = await LargeAsync(mailbox);
        await mailbox.Grain.ExpungeAsync(1, [1], None);

        var report = await _cluster.UpkeepOf(mailbox.Id).PurgeAsync(eraseNow: true, None);

        Assert.Equal(new PurgeReport(1, null), report);
        Assert.False(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(large.Email)));
        Assert.Null(await _cluster.Blobs.ReadAsync(large.Body.Blob!.Name, 0, 1, None));
    }

    [Fact]
    public async Task ASharedBlobGoesWithItsLastHolder()
    {
        await using var one = await _cluster.CreateAsync();
        await using var other = await _cluster.CreateAsync();
        var large = await LargeAsync(one, other);
        await one.Grain.ExpungeAsync(1, [1], None);
        await _cluster.UpkeepOf(one.Id).PurgeAsync(eraseNow: true, None);
        Assert.NotNull(await _cluster.Blobs.ReadAsync(large.Body.Blob!.Name, 0, 1, None));

        await other.Grain.ExpungeAsync(1, [1], None);
        await _cluster.UpkeepOf(other.Id).PurgeAsync(eraseNow: true, None);
        Assert.Null(await _cluster.Blobs.ReadAsync(large.Body.Blob.Name, 0, 1, None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnInterruptedPurgeIsGoneOnWithAtTheNextLoad(bool blobsFirst)
    {
        await using var mailbox = await _cluster.CreateAsync();
        await mailbox.FillAsync(60);
        var large = await LargeAsync(mailbox);
        uint[] all = [.. (await mailbox.ListAsync()).Select(m => m.Uid)];
        await mailbox.Grain.ExpungeAsync(1, [.. all], None);
        var removals = 0;
        using (_cluster.Fault(mailbox.Id, operations =>
            operations.Any(o => o.Kind == TableOperationKind.Delete) && (blobsFirst || ++removals > 1) ? CommitFault.Unavailable : null))
        {
            await Assert.ThrowsAsync<MailGrains.Contracts.StoreUnavailableException>(
                async () => await _cluster.UpkeepOf(mailbox.Id).PurgeAsync(eraseNow: true, None));
        }

        Assert.Empty(await mailbox.ListAsync());
        await _cluster.ReactivateAsync(mailbox.Id);
        Assert.Empty(await MailboxCheck.CheckAsync(_cluster.Accounts, mailbox.Id, None));

        Assert.Empty(await mailbox.ListAsync());
        Assert.Null((await _cluster.UpkeepOf(mailbox.Id).PurgeAsync(eraseNow: false, None)).NextDue);
        await foreach (var row in _cluster.Accounts[0].Tables.ReadRowsAsync(
            TableNames.Mail, BodyHolder.PartitionOf(mailbox.Id), MessageRows.AllMessages, None))
        {
            Assert.Fail(row.Row);
        }

        Assert.Null(await _cluster.Blobs.ReadAsync(large.Body.Blob!.Name, 0, 1, None));
    }

    [Fact]
    public async Task ExpungedBytesAboveTheBoundGoAtOnceTheOldestFirst()
    {
        await using var mailbox = await _cluster.CreateAsync();
        var emails = await DeliverAsync(mailbox, 12, new string('x', 10_000));
        for (var uid = 1u; uid <= 12; uid++)
        {
            await mailbox.Grain.ExpungeAsync(1, [uid], None);
        }

        var report = await _cluster.UpkeepOf(mailbox.Id).PurgeAsync(eraseNow: false, None);

        Assert.NotNull(report.NextDue);
        Assert.False(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[0])));
        Assert.True(await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(emails[11])));
        var kept = 0;
        foreach (var email in emails)
        {
            kept += await _cluster.HasRowAsync(mailbox.Id, MessageRows.MessageRow(email)) ? 10_000 : 0;
        }

        Assert.InRange(kept, 50_000, 100_000);
    }

    [Fact]
    public async Task UpkeepRemovesAllOfADeletedMailboxButItsTombstone()
    {
        var mailbox = await _cluster.CreateAsync();
        await mailbox.FillAsync(120);
        var large = await LargeAsync(mailbox);
        await mailbox.Grain.DeleteAsync(None);

        var report = await _cluster.Upkeep.RunAsync(None);

        Assert.Equal((1, 121L, true), (report.Mailboxes, report.Messages, report.Complete));
        var rows = new List<string>();
        await foreach (var row in _cluster.Accounts[0].Tables.ReadRowsAsync(TableNames.Mail, BodyHolder.PartitionOf(mailbox.Id), KeyRange.All, None))
        {
            rows.Add(row.Row);
        }

        Assert.Equal(["h"], rows);
        Assert.Null(await _cluster.Blobs.ReadAsync(large.Body.Blob!.Name, 0, 1, None));
        Assert.Equal(DeliveryStatus.NoMailbox, (await mailbox.DeliverAsync()).Status);
        Assert.Equal(0, (await _cluster.Upkeep.RunAsync(None)).Mailboxes);
    }

    [Fact]
    public async Task AMailboxThatFailsKeepsItsMarkAndTheOthersAreServed()
    {
        await using var failing = await _cluster.CreateAsync();
        await using var fine = await _cluster.CreateAsync();
        foreach (var mailbox in (TestMailbox[])[failing, fine])
        {
            await mailbox.FillAsync(1);
            await mailbox.Grain.ExpungeAsync(1, [1], None);
        }

        _cluster.Time.Advance(TimeSpan.FromDays(31));
        using (_cluster.Fault(failing.Id, _ => CommitFault.Unavailable))
        {
            var report = await _cluster.Upkeep.RunAsync(None);
            Assert.Equal((1L, false), (report.Messages, report.Complete));
        }

        Assert.Equal((1L, true), (await _cluster.Upkeep.RunAsync(None) is var second ? (second.Messages, second.Complete) : default));
    }

    [Fact]
    public async Task UpkeepSweepsBodiesThatNobodyHolds()
    {
        await using var mailbox = await _cluster.CreateAsync();
        var kept = await LargeAsync(mailbox);
        var orphan = await _cluster.Bodies.WriteAsync(
            "tenant", EmailId.New(_cluster.Time.GetUtcNow()), [BodyHolder.Of(mailbox.Id)], new MemoryStream(new byte[40_000]), None);
        _cluster.Time.Advance(TimeSpan.FromDays(4));

        Assert.Equal(1, (await _cluster.Upkeep.RunAsync(None)).Blobs);

        Assert.NotNull(await _cluster.Blobs.ReadAsync(kept.Body.Blob!.Name, 0, 1, None));
        Assert.Null(await _cluster.Blobs.ReadAsync(orphan.Blob!.Name, 0, 1, None));
    }

    [Fact]
    public async Task OnceAMonthUpkeepSweepsBodiesHoweverOldTheyAre()
    {
        await using var mailbox = await _cluster.CreateAsync();
        var kept = await LargeAsync(mailbox);
        var orphan = await _cluster.Bodies.WriteAsync(
            "tenant", EmailId.New(_cluster.Time.GetUtcNow()), [BodyHolder.Of(mailbox.Id)], new MemoryStream(new byte[40_000]), None);
        await _cluster.Upkeep.RunAsync(None);

        // What a queue held until now, and a crash left: too old for the sweeps of each day.
        _cluster.Time.Advance(TimeSpan.FromDays(29));
        Assert.Equal(0, (await _cluster.Upkeep.RunAsync(None)).Blobs);
        _cluster.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(1, (await _cluster.Upkeep.RunAsync(None)).Blobs);

        Assert.NotNull(await _cluster.Blobs.ReadAsync(kept.Body.Blob!.Name, 0, 1, None));
        Assert.Null(await _cluster.Blobs.ReadAsync(orphan.Blob!.Name, 0, 1, None));
    }

    [Fact]
    public async Task TheReminderIsRegisteredOnce()
    {
        await _cluster.Upkeep.StartAsync(None);
        await _cluster.Upkeep.StartAsync(None);
    }

    private async Task<EmailId[]> DeliverAsync(TestMailbox mailbox, int count, string content = "Subject: x\r\n\r\n")
    {
        var emails = new EmailId[count];
        for (var i = 0; i < count; i++)
        {
            emails[i] = (await mailbox.DeliverAsync(content)).Email;
        }

        return emails;
    }

    private async Task<MailboxDelivery> LargeAsync(params TestMailbox[] mailboxes)
    {
        var now = _cluster.Time.GetUtcNow();
        var email = EmailId.New(now);
        var body = await _cluster.Bodies.WriteAsync(
            "tenant", email, [.. mailboxes.Select(m => BodyHolder.Of(m.Id))], new MemoryStream(new byte[40_000]), None);
        var delivery = TestMail.Delivery(body, email, now);
        foreach (var mailbox in mailboxes)
        {
            Assert.Equal(DeliveryStatus.Delivered, (await mailbox.Grain.DeliverAsync(delivery, None)).Status);
        }

        return delivery;
    }

    private sealed class PurgeCluster : MailboxCluster
    {
        protected override MailboxOptions Mailboxes => new() { MaxExpungedBytes = 100_000 };
    }
}
