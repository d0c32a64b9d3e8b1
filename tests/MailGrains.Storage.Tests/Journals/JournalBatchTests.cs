using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>How calls become transactions, and when they are answered.</summary>
public sealed class JournalBatchTests(SqliteStoreFixture store) : IClassFixture<SqliteStoreFixture>
{
    private static CancellationToken Token => JournalRig.Token;

    [Fact]
    public Task CallsThatWaitShareATransaction() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var before = rig.Tables.Commits;
        var held = rig.Tables.HoldCommits();
        var calls = Enumerable.Range(1, 200).Select(i => journal.AddAsync(i, 1).AsTask()).ToArray();
        held.Dispose();
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), await Task.WhenAll(calls));
        Assert.Equal(1, rig.Tables.Commits - before);
        Assert.Equal(1, journal.Sequence);
    });

    [Fact]
    public Task ABatchIsCutToWhatATransactionHolds() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var before = rig.Tables.Commits;
        var held = rig.Tables.HoldCommits();
        var many = Enumerable.Range(0, 150).Select(i => journal.AddAsync(i, 1, LedgerCalls.Row($"m:{i:D3}"), LedgerCalls.Row($"b:{i:D3}")).AsTask());
        var large = Enumerable.Range(0, 100).Select(i => journal.AddAsync(i, 1, LedgerCalls.Row($"l:{i:D3}", 60 * 1024)).AsTask());
        var filled = Enumerable.Range(0, 5).Select(_ => FillAsync(journal, 400 * 1024));
        Task[] calls = [.. many, .. large, .. filled];
        held.Dispose();
        await Task.WhenAll(calls);

        // 49 calls of two rows, 38 rows of 60 KiB (80 KiB in base64), two fills: 2.1 MiB, 3 MiB and 0.8 MiB of events at the most.
        Assert.Equal(8, rig.Tables.Commits - before);
        Assert.Equal((150L, 150L, 100L), (await rig.CountRowsAsync("m:"), await rig.CountRowsAsync("b:"), await rig.CountRowsAsync("l:")));
        Assert.Equal(250, (await rig.LoadAsync()).State.Total);
    });

    [Fact]
    public Task EventsOfMostOfAMebibyteAreChunkedAndReadBack() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await FillAsync(journal, JournalRowsLimit);
        var tooLarge = await Assert.ThrowsAsync<StoreException>(() => FillAsync(journal, JournalRowsLimit + 1));
        Assert.Equal(StoreFailure.Refused, tooLarge.Failure);
        Assert.Equal(1, (await rig.LoadAsync()).Sequence);
    });

    [Fact]
    public Task ADecisionThatThrowsAfterAChangeFailsAlone() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var held = rig.Tables.HoldCommits();
        var calls = new[]
        {
            journal.AddAsync(1, 1).AsTask(),
            DecideAsync(journal, draft => { draft.Add(1, 10); throw new FormatException("Half way."); }),
            DecideAsync(journal, draft => { draft.Fill(100); return draft.Total; }),
            journal.AddAsync(1, 100).AsTask(),
        };
        held.Dispose();
        Assert.Equal(1, await calls[0]);
        await Assert.ThrowsAsync<FormatException>(() => calls[1]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => calls[2]);
        Assert.Equal(101, await calls[3]);
        Assert.Equal((1L, 101L), (journal.Sequence, (await rig.LoadAsync()).State.Total));
    });

    [Fact]
    public Task CallsThatChangeNothingCostNoCommit() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        await journal.AddAsync(1, 7);
        var before = rig.Tables.Commits;
        Assert.Equal(7, await journal.ReadTotalAsync());
        Assert.Equal(before, rig.Tables.Commits);

        // At the head of a batch they are answered at once, behind a change with it.
        var held = rig.Tables.HoldCommits();
        var calls = new[] { journal.ReadTotalAsync().AsTask(), journal.AddAsync(1, 1).AsTask(), journal.ReadTotalAsync().AsTask() };
        Assert.Equal(7, await calls[0]);
        Assert.False(calls[2].IsCompleted);
        rig.Tables.Fail(CommitFault.Full);
        held.Dispose();
        await Assert.ThrowsAsync<StoreException>(() => calls[1]);
        await Assert.ThrowsAsync<StoreException>(() => calls[2]);
        Assert.Equal(7, await journal.ReadTotalAsync());
    });

    [Fact]
    public Task CallersAreAnsweredWhenStateAndObserversHaveTheCommit() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var heard = new List<(long Sequence, long Total, bool Answered)>();
        Task<long>? call = null;
        journal.Committed += sequence => heard.Add((sequence, journal.State.Total, call!.IsCompleted));
        var held = rig.Tables.HoldCommits();
        call = journal.AddAsync(1, 5).AsTask();
        while (rig.Tables.HeldCommits == 0)
        {
            await Task.Delay(1, Token);
        }

        Assert.Equal((0L, 0L), (journal.State.Total, journal.Sequence));
        held.Dispose();
        Assert.Equal(5, await call);
        Assert.Equal((1L, 5L, false), Assert.Single(heard));
        await journal.ReadTotalAsync();
        Assert.Single(heard);
    });

    [Fact]
    public Task AllThatTouchesTheStateRunsOnTheSchedulerOfTheGrain() => RunAsync(async rig =>
    {
        var grain = TaskScheduler.Current;
        Assert.NotSame(TaskScheduler.Default, grain);
        var journal = await rig.CreateAsync();
        Assert.Same(grain, TaskScheduler.Current);
        var heard = new List<TaskScheduler>();
        journal.Committed += _ => heard.Add(TaskScheduler.Current);
        rig.Tables.Fail(CommitFault.LostAfter, CommitFault.LostBefore);
        var decidedOn = await journal.CommitAsync(
            new JournalCall<LedgerDraft, TaskScheduler>(d => { d.Add(1, 1); return new(TaskScheduler.Current, true); }, [], LedgerDraft.AddBytes), Token);
        Assert.Same(grain, TaskScheduler.Current);
        Assert.Same(grain, decidedOn);
        Assert.Same(grain, Assert.Single(heard));

        // A call from elsewhere comes to the grain's turn too.
        decidedOn = await Task.Run(() => journal.CommitAsync(
            new JournalCall<LedgerDraft, TaskScheduler>(d => { d.Add(1, 1); return new(TaskScheduler.Current, true); }, [], LedgerDraft.AddBytes), Token).AsTask());
        Assert.Same(grain, decidedOn);
        Assert.All(heard, scheduler => Assert.Same(grain, scheduler));
    });

    [Fact]
    public Task MoreCallsThanMayWaitAreRefusedAtOnce() => RunAsync(async rig =>
    {
        rig.Options = rig.Options with { MaxWaitingCalls = 10, MaxWaitingBytes = 100_000 };
        var journal = await rig.CreateAsync();
        var held = rig.Tables.HoldCommits();
        var calls = Enumerable.Range(0, 11).Select(i => journal.AddAsync(i, 1).AsTask()).ToArray();
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => calls[10])).Failure);
        held.Dispose();
        Assert.Equal(10, (await Task.WhenAll(calls[..10]))[9]);

        held = rig.Tables.HoldCommits();
        var large = Enumerable.Range(0, 3).Select(i => journal.AddAsync(i, 1, LedgerCalls.Row("m:1", 32 * 1024)).AsTask()).ToArray();
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => large[2])).Failure);
        held.Dispose();
        Assert.Equal(12, await large[1]);
    });

    [Fact]
    public Task ACallThatIsCancelledBeforeItsBatchIsNotDecided() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        using var cancelled = new CancellationTokenSource();
        var call = journal.CommitAsync(
            new JournalCall<LedgerDraft, long>(draft => { draft.Add(1, 1); return new(draft.Total, true); }, [], LedgerDraft.AddBytes), cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.AsTask());
        Assert.Equal(0, journal.Sequence);
    });

    [Fact]
    public Task RowsOfOneNameInTwoCallsGoIntoTwoTransactions() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var before = rig.Tables.Commits;
        var held = rig.Tables.HoldCommits();
        var calls = Enumerable.Range(0, 4).Select(i => journal.AddAsync(i, 1, LedgerCalls.Row("m:same")).AsTask()).ToArray();
        held.Dispose();
        Assert.Equal((long[])[1, 2, 3, 4], await Task.WhenAll(calls));
        Assert.Equal(4, rig.Tables.Commits - before);
    });

    [Fact]
    public Task DrainingAnswersThoseWhoWaitAndTakesNoMore() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var held = rig.Tables.HoldCommits();
        var call = journal.AddAsync(1, 5).AsTask();
        var drained = journal.DrainAsync(Token);
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => journal.AddAsync(1, 1).AsTask())).Failure);
        Assert.False(drained.IsCompleted);
        held.Dispose();
        await drained;
        Assert.True(call.IsCompleted);
        Assert.Equal(5, await call);
    });

    [Fact]
    public Task RowsInFrontOfACommitAreFencedTransactions() => RunAsync(async rig =>
    {
        var journal = await rig.CreateAsync();
        var stale = await rig.LoadAsync();
        var before = rig.Tables.Commits;
        await journal.WriteRowsAsync([.. Enumerable.Range(0, 250).Select(i => LedgerCalls.Row($"m:{i:D3}"))], Token);
        Assert.Equal(3, rig.Tables.Commits - before);
        Assert.Equal(0, journal.Sequence);
        await Assert.ThrowsAsync<JournalLostException>(() => stale.WriteRowsAsync([LedgerCalls.Row("m:stale")], Token).AsTask());
        Assert.Equal(250, await rig.CountRowsAsync("m:"));
        var refused = await Assert.ThrowsAsync<StoreException>(() => journal.WriteRowsAsync([LedgerCalls.Row("m:x"), LedgerCalls.Row("h")], Token).AsTask());
        Assert.Equal(StoreFailure.Refused, refused.Failure);
    });

    [Fact]
    public async Task CallersOnAnyThreadAreServedOneAtATime()
    {
        var rig = new JournalRig(store.Account) { Options = new JournalOptions { SnapshotAfterCommits = 20 } };
        var journal = await rig.LoadAsync();
        Assert.True(await journal.CreateAsync(_ => { }, Token));
        var totals = await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            var answers = new List<long>();
            for (var i = 0; i < 100; i++)
            {
                answers.Add(await journal.AddAsync(thread * 100 + i, 1));
            }

            return answers;
        })));
        Assert.Equal(Enumerable.Range(1, 800).Select(i => (long)i), totals.SelectMany(t => t).Order());
        Assert.All(totals, answers => Assert.Equal(answers.Order(), answers));
        await journal.DrainAsync(Token);
        Assert.Equal(800, (await rig.LoadAsync()).State.Total);
        await rig.CheckAsync();
    }

    private const int JournalRowsLimit = 15 * 64 * 1024 - 9;

    private static Task<long> FillAsync(Journal<Ledger, LedgerDraft> journal, int bytes) => journal.CommitAsync(
        new JournalCall<LedgerDraft, long>(
            draft =>
            {
                draft.Fill(bytes);
                return new(draft.Total, true);
            },
            [], bytes),
        Token).AsTask();

    private static Task<long> DecideAsync(Journal<Ledger, LedgerDraft> journal, Func<LedgerDraft, long> decide) => journal.CommitAsync(
        new JournalCall<LedgerDraft, long>(draft => new(decide(draft), true), [], LedgerDraft.AddBytes), Token).AsTask();

    private Task RunAsync(Func<JournalRig, Task> test) => JournalRig.RunAsync(store.Account, test);
}
