using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Testing.Faults;

/// <summary>What happens to a commit instead of going well.</summary>
public enum CommitFault
{
    /// <summary>The request is lost: nothing is written, the caller hears <see cref="StoreFailure.Unknown"/>.</summary>
    LostBefore,

    /// <summary>The reply is lost: all is written, the caller hears <see cref="StoreFailure.Unknown"/>.</summary>
    LostAfter,

    /// <summary>
    /// The request hangs about in the network: <see cref="StoreFailure.Unknown"/>, and it lands when
    /// <see cref="FaultingTableStore.LandDelayedAsync"/> is called.
    /// </summary>
    Delayed,

    /// <summary>Nothing is written and no answer comes until the caller cancels.</summary>
    Hang,

    /// <summary>Nothing is written and no answer comes at all, whatever the caller's token says.</summary>
    HangForEver,

    /// <summary>All is written and no answer comes until the caller cancels.</summary>
    HangAfter,

    /// <summary><see cref="StoreFailure.Full"/>: nothing is written.</summary>
    Full,

    /// <summary><see cref="StoreFailure.Unavailable"/>: nothing is written.</summary>
    Unavailable,

    /// <summary><see cref="StoreFailure.Refused"/>: nothing is written.</summary>
    Refused,
}

/// <summary>
/// A real table store with faults between it and its caller, on order: the next commits fail as told (<see cref="Fail"/>), or those that a
/// condition names (<see cref="WhenCommitting"/>); reads run through <see cref="BeforeRead"/>. It counts what reached the store.
/// Thread-safe.
/// </summary>
public sealed class FaultingTableStore(ITableStore inner) : ITableStore
{
    private readonly Lock _gate = new();
    private readonly Queue<CommitFault> _faults = new();
    private readonly Queue<(string Table, string Partition, IReadOnlyList<TableOperation> Operations)> _delayed = new();
    private TaskCompletionSource? _held;
    private long _commits;
    private long _commitBytes;
    private long _conflicts;
    private long _waiting;
    private long _reads;
    private long _rangeReads;
    private long _rowsRead;

    /// <summary>Transactions that the store has committed.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Their encoded bytes (<see cref="TableLimits.EncodedSize"/>).</summary>
    public long CommitBytes => Interlocked.Read(ref _commitBytes);

    /// <summary>Transactions that the store has refused for a condition.</summary>
    public long Conflicts => Interlocked.Read(ref _conflicts);

    /// <summary>Commits that <see cref="HoldCommits"/> keeps waiting right now.</summary>
    public long HeldCommits => Interlocked.Read(ref _waiting);

    /// <summary>Transactions that wait for <see cref="LandDelayedAsync"/>.</summary>
    public int DelayedCommits
    {
        get
        {
            lock (_gate)
            {
                return _delayed.Count;
            }
        }
    }

    public long Reads => Interlocked.Read(ref _reads);

    public long RangeReads => Interlocked.Read(ref _rangeReads);

    /// <summary>Rows that range reads have given.</summary>
    public long RowsRead => Interlocked.Read(ref _rowsRead);

    /// <summary>Decides the fault of a commit that no <see cref="Fail"/> is left for; null lets it through.</summary>
    public Func<string, IReadOnlyList<TableOperation>, CommitFault?>? WhenCommitting { get; set; }

    /// <summary>Runs before each commit's fault is decided; may commit, or wait.</summary>
    public Func<Task>? BeforeCommit { get; set; }

    /// <summary>Runs before each point read (with its row) and range read (with null); may throw, commit, or wait.</summary>
    public Func<string?, Task>? BeforeRead { get; set; }

    /// <summary>The next commits fail, one fault each.</summary>
    public void Fail(params ReadOnlySpan<CommitFault> faults)
    {
        lock (_gate)
        {
            foreach (var fault in faults)
            {
                _faults.Enqueue(fault);
            }
        }
    }

    /// <summary>Takes back all faults that are left.</summary>
    public void Heal()
    {
        lock (_gate)
        {
            _faults.Clear();
        }

        WhenCommitting = null;
        BeforeCommit = null;
        BeforeRead = null;
    }

    /// <summary>Commits wait, before they reach the store, until the result is disposed.</summary>
    public IDisposable HoldCommits()
    {
        lock (_gate)
        {
            _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new Hold(this);
        }
    }

    /// <summary>The oldest delayed transaction reaches the store now; what the store says of it.</summary>
    public ValueTask<TableCommit> LandDelayedAsync(CancellationToken cancellationToken)
    {
        (string Table, string Partition, IReadOnlyList<TableOperation> Operations) transaction;
        lock (_gate)
        {
            transaction = _delayed.Dequeue();
        }

        return PassAsync(transaction.Table, transaction.Partition, transaction.Operations, cancellationToken);
    }

    public async ValueTask<TableRow?> ReadAsync(string table, string partition, string row, CancellationToken cancellationToken)
    {
        if (BeforeRead is { } before)
        {
            await before(row);
        }

        Interlocked.Increment(ref _reads);
        return await inner.ReadAsync(table, partition, row, cancellationToken);
    }

    public async IAsyncEnumerable<TableRow> ReadRowsAsync(
        string table, string partition, KeyRange rows, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (BeforeRead is { } before)
        {
            await before(null);
        }

        Interlocked.Increment(ref _rangeReads);
        await foreach (var row in inner.ReadRowsAsync(table, partition, rows, cancellationToken))
        {
            Interlocked.Increment(ref _rowsRead);
            yield return row;
        }
    }

    public IAsyncEnumerable<TableRow> ReadPartitionsAsync(string table, KeyRange partitions, CancellationToken cancellationToken) =>
        inner.ReadPartitionsAsync(table, partitions, cancellationToken);

    public async ValueTask<TableCommit> CommitAsync(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        await HeldAsync(cancellationToken);
        if (BeforeCommit is { } before)
        {
            await before();
        }

        switch (NextFault(partition, operations))
        {
            case null:
                return await PassAsync(table, partition, operations, cancellationToken);
            case CommitFault.LostBefore:
                throw new StoreException(StoreFailure.Unknown, "The request was lost.");
            case CommitFault.LostAfter:
                await PassAsync(table, partition, operations, cancellationToken);
                throw new StoreException(StoreFailure.Unknown, "The reply was lost.");
            case CommitFault.Delayed:
                lock (_gate)
                {
                    _delayed.Enqueue((table, partition, [.. operations]));
                }

                throw new StoreException(StoreFailure.Unknown, "The request is late.");
            case CommitFault.HangForEver:
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
                break;
            case CommitFault.HangAfter:
                await PassAsync(table, partition, operations, cancellationToken);
                await Task.Delay(Timeout.Infinite, cancellationToken);
                break;
            case CommitFault.Hang:
                await Task.Delay(Timeout.Infinite, cancellationToken);
                break;
            case CommitFault.Full:
                throw new StoreException(StoreFailure.Full, "No room.");
            case CommitFault.Refused:
                throw new StoreException(StoreFailure.Refused, "Against the rules.");
            default:
                throw new StoreException(StoreFailure.Unavailable, "Busy.");
        }

        throw new InvalidOperationException("A hanging commit has ended.");
    }

    private async ValueTask<TableCommit> PassAsync(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        var commit = await inner.CommitAsync(table, partition, operations, cancellationToken);
        Interlocked.Increment(ref commit.Committed ? ref _commits : ref _conflicts);
        if (commit.Committed)
        {
            Interlocked.Add(ref _commitBytes, operations.Sum(o => (long)TableLimits.EncodedSize(o.Row, o.Properties)));
        }

        return commit;
    }

    private CommitFault? NextFault(string partition, IReadOnlyList<TableOperation> operations)
    {
        lock (_gate)
        {
            return _faults.TryDequeue(out var fault) ? fault : WhenCommitting?.Invoke(partition, operations);
        }
    }

    private async ValueTask HeldAsync(CancellationToken cancellationToken)
    {
        Task? held;
        lock (_gate)
        {
            held = _held?.Task;
        }

        if (held is not null)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await held.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
    }

    private sealed class Hold(FaultingTableStore store) : IDisposable
    {
        public void Dispose()
        {
            lock (store._gate)
            {
                store._held?.TrySetResult();
                store._held = null;
            }
        }
    }
}
