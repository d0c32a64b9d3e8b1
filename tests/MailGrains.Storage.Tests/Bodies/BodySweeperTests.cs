using MailGrains.Contracts.Delivery;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;

namespace MailGrains.Storage.Tests.Bodies;

public sealed class BodySweeperTests
{
    private static readonly BodyHolder Queue = new(0, "queue:acme:example.test:0");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatIsYoungerThanTwoWholeDaysIsLeftAlone()
    {
        await using var rig = BodyRig.OnSqlite();
        rig.Time.Advance(TimeSpan.FromHours(11.99)); // born a minute before midnight
        var body = await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox());
        rig.Time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(0, (await rig.SweepAsync()).BlobsDeleted);
        rig.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, (await rig.SweepAsync()).BlobsDeleted);
        Assert.False(await rig.ExistsAsync(body.Blob!));
    }

    [Fact]
    public async Task WhatIsOlderThanItsReachIsForAWiderSweep()
    {
        await using var rig = BodyRig.OnSqlite();
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox());
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox(), BodyRig.Mailbox());
        rig.Time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(default, await rig.SweepAsync());
        Assert.Equal(new SweepReport(2, 2, 2, 0), await rig.Sweeper.SweepAsync(rig.Accounts[0], TimeSpan.MaxValue, Cancellation));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task AHolderThatWasAddedLateHasItsDay()
    {
        // A queue holds a body for five days, then hands it over: the row of the mailbox is young though the blob is not.
        await using var rig = BodyRig.OnSqlite();
        var (email, mailbox) = (rig.NewEmail(), BodyRig.Mailbox(account: 1));
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), Queue);
        await rig.KeepAsync(Queue, rig.Delivery(email, body));
        rig.Time.Advance(TimeSpan.FromDays(5));
        var shared = await rig.Bodies.AddHolderAsync(body.Blob!, Queue, mailbox, Cancellation);
        rig.Time.Advance(TimeSpan.FromHours(47));
        Assert.Equal(new SweepReport(1, 0, 0, 0), await rig.SweepAsync());
        await rig.KeepAsync(mailbox, rig.Delivery(email, body with { Blob = shared }));
        await rig.ForgetAsync(Queue, email);
        rig.Time.Advance(TimeSpan.FromHours(2));

        // The queue was stopped before it took its row away.
        Assert.Equal(new SweepReport(1, 0, 1, 0), await rig.SweepAsync());
        Assert.Equal([mailbox.Key], await rig.HoldersAsync(shared));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task ARowIsLookedAtByItsOwnTimeHoweverOldTheBlobAndTheBlobGoesWithTheLast()
    {
        // A queue held a message for 35 days; its hand-over to two mailboxes was cut short when one of them had taken it.
        await using var rig = BodyRig.OnSqlite();
        var (email, kept, lost) = (rig.NewEmail(), BodyRig.Mailbox(), BodyRig.Mailbox(account: 1));
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), Queue);
        await rig.KeepAsync(Queue, rig.Delivery(email, body));
        rig.Time.Advance(TimeSpan.FromDays(35));
        var shared = await rig.Bodies.AddHolderAsync(body.Blob!, Queue, kept, Cancellation);
        await rig.Bodies.AddHolderAsync(body.Blob!, Queue, lost, Cancellation);
        await rig.KeepAsync(kept, rig.Delivery(email, body with { Blob = shared }));
        await rig.ForgetAsync(Queue, email);
        Assert.Equal(default, await rig.SweepAsync());
        rig.Time.Advance(TimeSpan.FromDays(3));
        Assert.Equal((2, 0), await rig.SweepAsync() is var first ? (first.RowsDeleted, first.BlobsDeleted) : default);
        Assert.Equal([kept.Key], await rig.HoldersAsync(shared));
        Assert.True(await rig.ExistsAsync(shared));

        await rig.ForgetAsync(kept, email);
        Assert.Equal((1, 1), await rig.SweepAsync() is var second ? (second.RowsDeleted, second.BlobsDeleted) : default);
        Assert.False(await rig.ExistsAsync(shared));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task ARowThatIsWrittenAgainMeanwhileStays()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, mailbox) = (rig.NewEmail(), BodyRig.Mailbox(account: 1));
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), Queue);
        await rig.KeepAsync(Queue, rig.Delivery(email, body));
        var shared = await rig.Bodies.AddHolderAsync(body.Blob!, Queue, mailbox, Cancellation);
        rig.Time.Advance(TimeSpan.FromDays(4));
        var again = false;
        rig.Tables[1].BeforeRead = async _ =>
        {
            // Just as the sweep asks the mailbox, the queue tries once more.
            if (!again)
            {
                again = true;
                await rig.Bodies.AddHolderAsync(body.Blob!, Queue, mailbox, Cancellation);
            }
        };
        Assert.Equal(new SweepReport(1, 0, 0, 0), await rig.SweepAsync());
        Assert.True(again);
        Assert.Contains(mailbox.Key, await rig.HoldersAsync(shared));
    }

    [Fact]
    public async Task AMessageThatNamesAnotherBodyHoldsNothing()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, mailbox) = (rig.NewEmail(), BodyRig.Mailbox());
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), mailbox);
        await rig.KeepAsync(mailbox, rig.Delivery(email, new MessageBody(1, [1], null)));
        rig.Time.Advance(TimeSpan.FromDays(3));
        Assert.Equal(1, (await rig.SweepAsync()).BlobsDeleted);
        Assert.False(await rig.ExistsAsync(body.Blob!));
    }

    [Fact]
    public async Task RowsWhoseBlobIsGoneGoUnlessAMessageNamesIt()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, loser) = (rig.NewEmail(), BodyRig.Mailbox());
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), loser, BodyRig.Mailbox(), BodyRig.Mailbox());
        await rig.KeepAsync(loser, rig.Delivery(email, body));
        await rig.Accounts[0].Blobs.DeleteAsync(body.Blob!.Name, Cancellation);
        Assert.Equal(default, await rig.SweepAsync());
        rig.Time.Advance(TimeSpan.FromDays(3));
        Assert.Equal(new SweepReport(0, 0, 2, 0), await rig.SweepAsync());
        Assert.Equal([loser.Key], await rig.HoldersAsync(body.Blob));
        Assert.Single((await rig.CheckAsync()).Losses);
    }

    [Fact]
    public async Task WhatTheStoreDoesNotAnswerIsLeftForTheNextSweep()
    {
        await using var rig = BodyRig.OnSqlite();
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox());
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox(), BodyRig.Mailbox(account: 1));
        rig.Time.Advance(TimeSpan.FromDays(3));
        foreach (var tables in rig.Tables)
        {
            tables.BeforeRead = row => row is null ? Task.CompletedTask : throw new StoreException(StoreFailure.Unavailable, "Busy.");
        }

        var report = await rig.SweepAsync();
        Assert.Equal((0, 0), (report.BlobsDeleted, report.RowsDeleted));
        Assert.Equal(3, report.Failed); // two rows and the sole holder

        foreach (var tables in rig.Tables)
        {
            tables.Heal();
            tables.Fail(CommitFault.LostAfter);
        }

        await rig.SweepAsync();
        rig.Tables[0].Heal();
        await rig.SweepAsync();
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task ABlobWithAStrangeNameIsCountedAndLeft()
    {
        await using var rig = BodyRig.OnSqlite();
        foreach (var name in (string[])["body/acme/20260301/shared/x", "body/acme/today/shared/0195d3f0c1a27000a1b2c3d4e5f60718", "body/x", "body/acme/20260301/who/0195d3f0c1a27000a1b2c3d4e5f60718"])
        {
            using var content = new MemoryStream([1]);
            await rig.Accounts[0].Blobs.WriteAsync(name, content, Cancellation);
        }

        rig.Time.Advance(TimeSpan.FromDays(9));
        Assert.Equal(new SweepReport(0, 0, 0, 4), await rig.SweepAsync());
    }

    [Fact]
    public async Task AHolderInAnAccountThatIsNotConfiguredKeepsItsBody()
    {
        await using var rig = BodyRig.OnSqlite();
        var lost = new BodyHolder(7, "mailbox:acme:x");
        var name = $"body/acme/20260301/{lost.Key}/{rig.NewEmail()}";
        using var content = new MemoryStream([1]);
        await rig.Accounts[0].Blobs.WriteAsync(name, content, Cancellation);
        rig.Time.Advance(TimeSpan.FromDays(9));
        Assert.Equal(new SweepReport(1, 0, 0, 1), await rig.SweepAsync());
        Assert.True(await rig.ExistsAsync(new BodyBlob(0, name, false)));
    }

    [Fact]
    public async Task ASweepCanBeStopped()
    {
        await using var rig = BodyRig.OnSqlite();
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox());
        rig.Time.Advance(TimeSpan.FromDays(3));
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Sweeper.SweepAsync(rig.Accounts[0], stopped.Token));
    }
}
