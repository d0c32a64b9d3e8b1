using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>What becomes of calls when the store fails.</summary>
public sealed class JournalFaultTests(SqliteStoreFixture store) : IClassFixture<SqliteStoreFixture>
{
    private static CancellationToken Token => JournalRig.Token;

    [Theory]
    [InlineData(CommitFault.Full, StoreFailure.Full)]
    [InlineData(CommitFault.Unavailable, StoreFailure.Unavailable)]
    public Task AKnownFailureGoesToTheCallersAndTheJournalGoesOn(CommitFault fault, StoreFailure failure) => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        var reads = rig.Tables.Reads;
        for (var i = 0; i < 3; i++)
        {
            rig.Tables.Fail(fault);
            var held = rig.Tables.HoldCommits();
            var calls = new[] { journal.AddAsync(1, 10, LedgerCalls.Row("m:1")).AsTask(), journal.AddAsync(2, 10).AsTask() };
            held.Dispose();
            foreach (var call in calls)
            {
                Assert.Equal(failure, (await Assert.ThrowsAsync<StoreException>(() => call)).Failure);
            }

            Assert.Equal((JournalStatus.Live, 1L, 1L), (journal.Status, journal.State.Total, journal.Sequence));
        }

        Assert.Equal(3, await journal.AddAsync(1, 2));
        Assert.Equal(reads, rig.Tables.Reads);
        Assert.Equal(0, await rig.CountRowsAsync("m:"));
        Assert.Equal(3, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task AnUnknownOutcomeIsNeverAnsweredByALaterKnownFailure() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        rig.Tables.Fail(CommitFault.Delayed, CommitFault.Unavailable, CommitFault.Full, CommitFault.Refused, CommitFault.LostBefore);
        var held = 0;
        rig.Tables.WhenCommitting = (_, _) => Interlocked.Increment(ref held) <= 3 ? CommitFault.Full : null;
        Assert.Equal(5, await journal.AddAsync(1, 5));
        Assert.Equal(4, held);

        // The first try lands at last, and finds another header.
        Assert.False((await rig.Tables.LandDelayedAsync(Token)).Committed);
        Assert.Equal((5L, 1L), ((await rig.LoadAsync()).State.Total, journal.Sequence));
    });

    [Fact]
    public Task ATryThatLandsLateIsRecognisedByItsBatchId() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        rig.Tables.Fail(CommitFault.Delayed, CommitFault.Unavailable);
        var tries = 0;
        rig.Tables.BeforeCommit = async () => Assert.True(++tries != 3 || (await rig.Tables.LandDelayedAsync(Token)).Committed);
        Assert.Equal(5, await journal.AddAsync(1, 5));
        Assert.Equal(1, rig.Tables.Conflicts);
        Assert.Equal(6, await journal.AddAsync(1, 1));
        Assert.Equal((6L, 2L), ((await rig.LoadAsync()).State.Total, journal.Sequence));
    });

    [Fact]
    public Task OutOfTimeTheJournalIsLostAndALateTryFencesTheNextActivation() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        JournalLostException? heard = null;
        journal.Lost += lost => heard = lost;
        rig.Options = rig.Options with { UnknownOutcomeTimeout = TimeSpan.FromMilliseconds(100) };
        var doomed = await rig.LoadAsync();
        doomed.Lost += lost => heard = lost;
        rig.Tables.Fail(CommitFault.Delayed);
        rig.Tables.WhenCommitting = (_, _) => CommitFault.Unavailable;
        var first = doomed.AddAsync(1, 10).AsTask();
        var waiting = doomed.AddAsync(1, 100).AsTask();
        Assert.False((await Assert.ThrowsAsync<JournalLostException>(() => first)).Fenced);
        Assert.False((await Assert.ThrowsAsync<JournalLostException>(() => waiting)).Fenced);
        Assert.False((await Assert.ThrowsAsync<JournalLostException>(() => doomed.AddAsync(1, 1000).AsTask())).Fenced);
        Assert.Equal(JournalStatus.Lost, doomed.Status);
        Assert.False(heard!.Fenced);

        // The next activation loads before the try lands; it is fenced by it, and the one after that has it.
        rig.Tables.Heal();
        var next = await rig.LoadAsync();
        Assert.Equal(1, next.State.Total);
        Assert.True((await rig.Tables.LandDelayedAsync(Token)).Committed);
        Assert.True((await Assert.ThrowsAsync<JournalLostException>(() => next.AddAsync(1, 10_000).AsTask())).Fenced);
        Assert.True(heard.Fenced is false);
        Assert.Equal(112, await (await rig.LoadAsync()).AddAsync(1, 1));
    });

    [Fact]
    public Task AnUnknownOutcomeThatAnotherWriterHasDecidedIsFenced() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var other = await rig.LoadAsync();
        var decided = false;
        rig.Tables.WhenCommitting = (_, operations) => operations.Count == 3 && !decided ? CommitFault.LostBefore : null;
        var doubtful = journal.AddAsync(1, 10, LedgerCalls.Row("m:1"));
        Assert.Equal(1, await other.AddAsync(1, 1));
        decided = true;
        Assert.True((await Assert.ThrowsAsync<JournalLostException>(() => doubtful.AsTask())).Fenced);
        Assert.Equal(1, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task AConflictWhoseHeaderCannotBeReadStaysUnknown() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        rig.Tables.Fail(CommitFault.LostAfter);
        var failures = 3;
        rig.Tables.BeforeRead = _ => failures-- > 0 ? throw new StoreException(StoreFailure.Unavailable, "Busy.") : Task.CompletedTask;
        Assert.Equal(5, await journal.AddAsync(1, 5));
        Assert.Equal(4, rig.Tables.Conflicts);
    });

    [Fact]
    public Task AStoreThatThrowsSomethingUnexpectedLeavesTheOutcomeUnknown() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var thrown = false;
        rig.Tables.WhenCommitting = (_, _) => thrown ? null : throw (thrown = true) switch { _ => new IOException("Out of the blue.") };
        Assert.Equal(5, await journal.AddAsync(1, 5));
        Assert.True(thrown);
    });

    [Fact]
    public Task TheTimeOfTriesIsBoundedByTheClock() => RunAsync(async rig =>
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        rig.Time = time;
        rig.Options = new JournalOptions();
        var doomed = await rig.LoadAsync();
        rig.Tables.WhenCommitting = (_, _) => CommitFault.HangForEver;
        var call = doomed.AddAsync(1, 10).AsTask();
        var started = time.GetUtcNow();
        while (!call.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, Token);
        }

        Assert.False((await Assert.ThrowsAsync<JournalLostException>(() => call)).Fenced);
        Assert.InRange(time.GetUtcNow() - started, rig.Options.UnknownOutcomeTimeout, rig.Options.UnknownOutcomeTimeout + 2 * rig.Options.TryTimeout);
    });

    [Fact]
    public Task ARowWhoseConditionDoesNotHoldFailsItsCallerAlone() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1, LedgerCalls.Row("m:taken"));
        var held = rig.Tables.HoldCommits();
        var first = journal.AddAsync(1, 10);
        var calls = new[]
        {
            journal.AddAsync(1, 100, LedgerCalls.Row("m:1")).AsTask(),
            journal.AddAsync(1, 1000, TableOperation.Insert("m:taken", new RowProperties("v", 1L))).AsTask(),
            journal.AddAsync(1, 10000, LedgerCalls.Row("m:2")).AsTask(),
        };
        held.Dispose();
        Assert.Equal(11, await first);
        Assert.Equal(111, await calls[0]);
        Assert.Equal(StoreFailure.Refused, (await Assert.ThrowsAsync<StoreException>(() => calls[1])).Failure);
        Assert.Equal(10111, await calls[2]);
        Assert.Equal(10111, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task ATransactionThatTheStoreRefusesIsTriedAgainCallByCall() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        rig.Tables.WhenCommitting = (_, operations) => operations.Any(o => o.Row == "m:bad") ? CommitFault.Refused : null;
        var held = rig.Tables.HoldCommits();
        var first = journal.AddAsync(1, 1);
        var calls = new[]
        {
            journal.AddAsync(1, 10, LedgerCalls.Row("m:1")).AsTask(),
            journal.AddAsync(1, 100, LedgerCalls.Row("m:bad")).AsTask(),
            journal.AddAsync(1, 1000, LedgerCalls.Row("m:2")).AsTask(),
        };
        held.Dispose();
        await first;
        Assert.Equal(11, await calls[0]);
        Assert.Equal(StoreFailure.Refused, (await Assert.ThrowsAsync<StoreException>(() => calls[1])).Failure);
        Assert.Equal(1011, await calls[2]);
    });

    [Fact]
    public Task AFailingSnapshotLeavesTheJournalAsItIs() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 1);
        await journal.AddAsync(100, 2);
        foreach (var fault in (BlobFault[])[BlobFault.LostBefore, BlobFault.Full, BlobFault.Unavailable, BlobFault.LostAfter])
        {
            rig.Blobs.FailWrite(fault);
            Assert.False(await journal.SnapshotAsync(Token));
            Assert.Empty(await rig.BlobNamesAsync());
        }

        rig.Tables.Fail(CommitFault.Full);
        Assert.False(await journal.SnapshotAsync(Token));
        Assert.Empty(await rig.BlobNamesAsync());
        Assert.True(await journal.SnapshotAsync(Token));
        Assert.Equal(3, (await rig.BlobNamesAsync()).Count);
        Assert.Equal(4, await journal.AddAsync(1, 1));
        Assert.Equal(4, (await rig.LoadAsync()).State.Total);
    });

    private Task RunAsync(Func<JournalRig, Task> test) => JournalRig.RunAsync(store.Account, test);
}
