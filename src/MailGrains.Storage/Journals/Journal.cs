using System.Diagnostics.CodeAnalysis;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The journal of one owner (a mailbox, a queue): its state in memory, and in the store a header, the events of each commit, snapshots.
/// <para>
/// <b>Layout.</b> In the owner's partition: <c>h</c> (<see cref="JournalHeader"/>), <c>j:{sequence}</c> (<see cref="JournalRows"/>) and
/// whatever rows the calls bring; beside it the blobs of <see cref="SnapshotBlobs"/>. The state is the snapshot that <c>h</c> names plus
/// the rows behind it up to the sequence that <c>h</c> names; nothing else counts.
/// </para>
/// <para>
/// <b>Invariants.</b> Every transaction replaces <c>h</c> If-Match, with a batch id of its own: of two writers one wins, the other
/// learns it and is lost for good. The state changes by committed events alone, in order; who reads it sees committed state only; a
/// caller is answered after that. An owner exists by its <c>h</c>; a deleted one keeps it as a tombstone for ever.
/// </para>
/// <para>
/// <b>Failures.</b> A known failure (<see cref="StoreException"/>) leaves state and journal as they are and goes to the callers of the
/// batch. An unknown outcome is repeated until it is known (<see cref="HeaderFence"/>); meanwhile calls wait. Only when another writer has
/// committed, time runs out or the state fails to take a commit is the journal <see cref="JournalStatus.Lost"/>: all callers get
/// <see cref="JournalLostException"/>, may or may not be committed, and the owner deactivates.
/// </para>
/// <para>
/// <b>Threads.</b> The journal's own work, and with it all calls to the state, runs on the scheduler on which it was loaded (a grain's), or
/// on an exclusive one of its own where that is the thread pool's. Its members may be called from any thread; <see cref="State"/> is
/// read on the journal's scheduler. It has no timer and holds nothing that has to be disposed.
/// </para>
/// </summary>
/// <param name="account">The owner's storage account.</param>
/// <param name="partition">The owner's partition of <see cref="TableNames.Mail"/>, made of <see cref="TableKey"/>s joined by ':'.</param>
/// <param name="empty">Makes the state of an owner without history; called at least once a load.</param>
[SuppressMessage("Design", "CA1001", Justification = "Neither the token source nor the semaphore ever holds a timer or handle.")]
public sealed class Journal<TState, TDraft>(
    StorageAccount account, string partition, Func<TState> empty, JournalOptions options, TimeProvider time, ILogger logger)
    where TState : class, IJournalState<TDraft>
    where TDraft : class, IJournalDraft
{
    private readonly SemaphoreSlim _opening = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly SnapshotBlobs _blobs = new(account.Blobs, TableKey.TryDecode(partition, out _)
        ? partition
        : throw new ArgumentException($"The partition '{partition}' is not made of table keys.", nameof(partition)));

    private readonly HeaderFence _fence = new(account.Tables, partition, options, time, logger);
    private readonly CallQueue<TDraft> _queue = new(options);
    private TaskScheduler? _scheduler;
    private TState? _state;
    private CommitLoop<TDraft>? _loop;
    private SnapshotTrigger<TDraft>? _snapshots;
    private JournalLostException? _lost;
    private bool _loaded;
    private Task _flush = Task.CompletedTask;

    /// <summary>Heard after each commit that carried events, when the state has them and before the callers are answered; must not throw.</summary>
    public event Action<long>? Committed;

    /// <summary>Heard once, when the journal is lost (found by a call or in the background): the owner deactivates.</summary>
    public event Action<JournalLostException>? Lost;

    public JournalStatus Status =>
        _lost is not null ? JournalStatus.Lost : !_loaded ? JournalStatus.NotLoaded : _fence.Header?.Status ?? JournalStatus.Missing;

    /// <summary>The committed state of a live owner.</summary>
    /// <exception cref="JournalClosedException">There is no live header.</exception>
    /// <exception cref="JournalLostException">The journal is lost.</exception>
    public TState State => Status == JournalStatus.Live ? _state! : throw Refusal();

    /// <summary>The sequence of the last commit that the state has; 0 before the first.</summary>
    public long Sequence => _loop?.Applied ?? 0;

    /// <summary>When the owner was deleted; null for a live one.</summary>
    public DateTimeOffset? DeletedAt => _fence.Header?.DeletedAt;

    /// <summary>
    /// Reads header, snapshot head and the commits behind it; sets <see cref="Status"/>. Of a deleted owner it reads the header only. Does
    /// nothing where there is a header already.
    /// </summary>
    /// <exception cref="StoreException">The journal stays as it was.</exception>
    public async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        _scheduler ??= TaskScheduler.Current == TaskScheduler.Default
            ? new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler
            : TaskScheduler.Current;
        await RunAsync(async () =>
        {
            await _opening.WaitAsync(cancellationToken);
            try
            {
                if (Status is JournalStatus.NotLoaded or JournalStatus.Missing)
                {
                    await OpenAsync(cancellationToken);
                }
            }
            finally
            {
                _opening.Release();
            }
        });
    }

    /// <summary>
    /// Makes the header of an owner that has none, with the events that <paramref name="begin"/> writes to an empty draft, in one
    /// transaction. Where a header is there already (another writer was first) the journal is loaded instead.
    /// </summary>
    /// <returns>True when made now; else <see cref="Status"/> says whether the owner lives or was deleted.</returns>
    /// <exception cref="StoreException">Nothing was written.</exception>
    /// <exception cref="JournalLostException">The outcome stayed unknown.</exception>
    public async ValueTask<bool> CreateAsync(Action<TDraft> begin, CancellationToken cancellationToken)
    {
        if (Status == JournalStatus.NotLoaded)
        {
            throw Refusal();
        }

        var created = false;
        await RunAsync(async () =>
        {
            await _opening.WaitAsync(cancellationToken);
            try
            {
                created = Status == JournalStatus.Missing && await TryMakeAsync(begin, cancellationToken);
            }
            finally
            {
                _opening.Release();
            }
        });
        return created;
    }

    /// <summary>Waits until the call is decided and committed. The token counts until the call is taken into a batch.</summary>
    /// <exception cref="StoreException">
    /// Nothing of the call was written; the journal goes on. Refused: its rows break a limit or a condition.
    /// </exception>
    /// <exception cref="JournalClosedException">There is no live header.</exception>
    /// <exception cref="JournalLostException">The journal is lost; the call may or may not be committed.</exception>
    public ValueTask<TResult> CommitAsync<TResult>(JournalCall<TDraft, TResult> call, CancellationToken cancellationToken)
    {
        try
        {
            if (Status != JournalStatus.Live)
            {
                throw Refusal();
            }

            var size = BatchRoom.Measure(call.Rows, call.MaxEventBytes);
            return new(Enqueue(new PendingCall<TDraft, TResult>(call.Decide, call.Rows, size, call.MaxEventBytes, cancellationToken)));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<TResult>(e);
        }
    }

    /// <summary>
    /// Writes (or deletes) any number of rows in as many transactions as they need, each fenced by the header, in order; no journal record
    /// names them yet. For commands larger than a transaction, and for purges, of deleted owners too.
    /// </summary>
    /// <exception cref="StoreException">Rows of earlier transactions may be written, those of later ones are not.</exception>
    /// <exception cref="JournalClosedException">The owner was never made.</exception>
    /// <exception cref="JournalLostException">The journal is lost.</exception>
    public async ValueTask WriteRowsAsync(IReadOnlyList<TableOperation> rows, CancellationToken cancellationToken)
    {
        RequireHeader();
        foreach (var part in BatchRoom.Split(rows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var call = OwnCall(part, BatchRoom.Measure(part, 0), cancellationToken);
            call.ServesDeleted = true;
            await Enqueue(call);
        }
    }

    /// <summary>
    /// Turns the header into a tombstone, with <paramref name="rows"/> in the same transaction; the id is never used again. A repeat does
    /// nothing.
    /// </summary>
    /// <exception cref="StoreException">Nothing was written.</exception>
    /// <exception cref="JournalClosedException">The owner was never made.</exception>
    /// <exception cref="JournalLostException">The journal is lost; the owner may or may not be deleted.</exception>
    public async ValueTask DeleteAsync(IReadOnlyList<TableOperation> rows, CancellationToken cancellationToken)
    {
        RequireHeader();
        if (Status == JournalStatus.Deleted)
        {
            return;
        }

        var deletedAt = time.GetUtcNow();
        var call = OwnCall(rows, BatchRoom.Measure(rows, 0), cancellationToken);
        call.ChangeHeader = h => h with { Status = JournalStatus.Deleted, DeletedAt = h.DeletedAt ?? deletedAt };
        (call.ServesDeleted, call.EndsBatch) = (true, true);
        await Enqueue(call);
    }

    /// <summary>Removes the journal rows and snapshots of a deleted owner; the tombstone stays. May be repeated.</summary>
    /// <exception cref="StoreException">Part of it may be done.</exception>
    /// <exception cref="JournalLostException">The journal is lost.</exception>
    public async ValueTask PurgeHistoryAsync(CancellationToken cancellationToken)
    {
        if (Status != JournalStatus.Deleted)
        {
            throw Status == JournalStatus.Live ? new InvalidOperationException("The owner lives.") : Refusal();
        }

        await RunAsync(async () =>
        {
            // A snapshot that was under way when the owner was deleted ends before its blobs are listed.
            await _snapshots!.Running;
            await JournalTruncation.RemoveRowsAsync(() => _fence.Header!, long.MaxValue, int.MaxValue, CommitAsync, cancellationToken);
            if (_fence.Header!.Snapshot is not null)
            {
                await CommitAsync(h => h with { Snapshot = null }, null, []);
            }

            await foreach (var blob in _blobs.ListAsync(cancellationToken))
            {
                await _blobs.DeleteAsync(blob.Name, cancellationToken);
            }
        });

        Task CommitAsync(Func<JournalHeader, JournalHeader> change, Action? committed, IReadOnlyList<TableOperation> deletes) =>
            CommitHeaderAsync(change, committed, deletes, servesDeleted: true);
    }

    /// <summary>
    /// Writes a snapshot now; false when nothing has changed since the last, when one is being written, or when it failed (the log says
    /// why). The journal writes its own by <see cref="JournalOptions.SnapshotAfterCommits"/>.
    /// </summary>
    public async ValueTask<bool> SnapshotAsync(CancellationToken cancellationToken)
    {
        if (Status != JournalStatus.Live)
        {
            throw Refusal();
        }

        var written = false;
        await RunAsync(async () => written = await _snapshots!.WriteNowAsync(cancellationToken));
        return written;
    }

    /// <summary>For deactivation: takes no more calls, waits until those that wait are answered, gives up a snapshot in progress.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        _queue.Close(() => new StoreException(StoreFailure.Unavailable, $"'{partition}' is being closed."));
        await _closing.CancelAsync();
        await Task.WhenAll(_flush, _snapshots?.Running ?? Task.CompletedTask).WaitAsync(cancellationToken);
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        var loaded = await JournalLoader.LoadAsync<TState, TDraft>(account.Tables, _blobs, partition, empty, logger, cancellationToken);
        _fence.Adopt(loaded.Header, loaded.ETag);
        Open(loaded.State, loaded.Segments, loaded.TailCommits, loaded.TailBytes);
        _loaded = true;
    }

    private void Open(TState state, CommittedSegments segments, int tailCommits, long tailBytes)
    {
        segments.WhenMissing = CheckFenceAsync;
        _state = state;
        _loop = new CommitLoop<TDraft>(state, _fence, _queue, partition, time, logger, OnCommitted, OnLost);
        var source = new SnapshotSource(
            () => _fence.Header!, () => _loop.Applied, (change, committed, rows) => CommitHeaderAsync(change, committed, rows, servesDeleted: false));
        var writer = new SnapshotWriter<TDraft>(state, segments, _blobs, source, options, time);
        _snapshots = new SnapshotTrigger<TDraft>(writer, options, partition, logger, tailCommits, tailBytes, _closing.Token);
    }

    private async Task<bool> TryMakeAsync(Action<TDraft> begin, CancellationToken cancellationToken)
    {
        var state = empty();
        var draft = state.BeginDraft();
        begin(draft);
        var events = draft.Events;
        if (events.Length > JournalRows.MaxEventBytes)
        {
            throw new StoreException(StoreFailure.Refused, $"A commit holds {JournalRows.MaxEventBytes} bytes of events, not {events.Length}.");
        }

        var header = JournalHeader.New(_fence.NextBatch()) with { Sequence = events.Length > 0 ? 1 : 0 };
        List<TableOperation> operations = [_fence.HeaderOperation(header)];
        if (events.Length > 0)
        {
            operations.Add(TableOperation.Insert(JournalRows.Key(1), JournalRows.Encode(time.GetUtcNow(), events.Span)));
        }

        var outcome = await _fence.CommitAsync(header, operations);
        switch (outcome)
        {
            case { Kind: FenceOutcomeKind.Committed }:
                if (events.Length > 0)
                {
                    state.Apply(1, events.Span);
                }

                Open(state, new CommittedSegments(_blobs, partition), operations.Count - 1, events.Length);
                return true;
            case { Kind: FenceOutcomeKind.Lost, Reason: JournalLostException { Fenced: true } }:
                await OpenAsync(cancellationToken);
                return false;
            case { Kind: FenceOutcomeKind.Lost, Reason: JournalLostException lost }:
                OnLost(lost);
                throw lost;
            case { Kind: FenceOutcomeKind.Failed }:
                throw new StoreException(((StoreException)outcome.Reason!).Failure, outcome.Reason.Message, outcome.Reason);
            default:
                throw new StoreException(StoreFailure.Unreadable, $"'{partition}' has journal rows but no header.");
        }
    }

    /// <summary>A call that brings rows or changes the header and decides nothing.</summary>
    private static PendingCall<TDraft, bool> OwnCall(IReadOnlyList<TableOperation> rows, int rowBytes, CancellationToken cancellationToken) =>
        new(static _ => new JournalDecision<bool>(true, KeepRows: true), rows, rowBytes, 0, cancellationToken);

    private Task<bool> CommitHeaderAsync(
        Func<JournalHeader, JournalHeader> change, Action? whenCommitted, IReadOnlyList<TableOperation> rows, bool servesDeleted)
    {
        var call = OwnCall(rows, rows.Sum(row => TableLimits.EncodedSize(row.Row, row.Properties)), CancellationToken.None);
        (call.ChangeHeader, call.WhenCommitted, call.ServesDeleted) = (change, whenCommitted, servesDeleted);
        return Enqueue(call, always: true);
    }

    private Task<TResult> Enqueue<TResult>(PendingCall<TDraft, TResult> call, bool always = false)
    {
        if (_queue.Add(call, always))
        {
            _flush = RunAsync(_loop!.RunAsync);
        }

        return call.Answered;
    }

    private void OnCommitted(long sequence, int eventBytes)
    {
        try
        {
            Committed?.Invoke(sequence);
        }
        catch (Exception e)
        {
            logger.ObserverFailed(partition, e);
        }

        _snapshots!.CountCommit(eventBytes);
    }

    private async ValueTask CheckFenceAsync(CancellationToken cancellationToken)
    {
        if (!await _fence.IsOursAsync(cancellationToken))
        {
            var lost = new JournalLostException(fenced: true, $"Another writer has committed to '{partition}'.");
            _queue.Close(() => new JournalLostException(lost.Fenced, lost.Message));
            foreach (var call in _queue.TakeAll())
            {
                call.Fail(new JournalLostException(lost.Fenced, lost.Message));
            }

            OnLost(lost);
            throw lost;
        }
    }

    private void OnLost(JournalLostException reason)
    {
        if (_lost is not null)
        {
            return;
        }

        _lost = reason;
        try
        {
            Lost?.Invoke(reason);
        }
        catch (Exception e)
        {
            logger.ObserverFailed(partition, e);
        }
    }

    private void RequireHeader()
    {
        if (Status is not (JournalStatus.Live or JournalStatus.Deleted))
        {
            throw Refusal();
        }
    }

    private Exception Refusal() => Status switch
    {
        JournalStatus.Lost => new JournalLostException(_lost!.Fenced, _lost.Message, _lost.InnerException),
        JournalStatus.NotLoaded => new InvalidOperationException($"The journal of '{partition}' is not loaded."),
        var status => new JournalClosedException(status),
    };

    /// <summary>Runs on the journal's scheduler: at once where the caller is on it.</summary>
    private Task RunAsync(Func<Task> work) => TaskScheduler.Current == _scheduler
        ? work()
        : Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _scheduler!).Unwrap();
}
