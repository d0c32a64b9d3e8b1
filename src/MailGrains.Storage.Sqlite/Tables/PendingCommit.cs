using System.Buffers;
using System.Diagnostics;
using System.Threading.Tasks.Sources;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// One caller's transaction: encoded by the caller, carried out by the writer's thread, answered on the thread pool. The object is
/// used again once its result has been taken; its bytes come from the shared pool.
/// </summary>
internal sealed class PendingCommit : IValueTaskSource<TableCommit>
{
    private static readonly string[] None = [];

    private readonly Action<PendingCommit> _giveBack;
    private ManualResetValueTaskSourceCore<TableCommit> _source = new() { RunContinuationsAsynchronously = true };
    private byte[] _bytes = [];
    private Operation[] _operations = new Operation[4];
    private int _count;
    private int _partitionLength;
    private long _started;
    private CancellationToken _cancellation;
    private TableCommit _commit;
    private Exception? _failure;

    public PendingCommit(Action<PendingCommit> giveBack) => _giveBack = giveBack;

    public ValueTask<TableCommit> Task => new(this, _source.Version);

    public string Table { get; private set; } = "";

    /// <summary>The bytes that wait in memory for this transaction.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Partition => _bytes.AsSpan(0, _partitionLength);

    public ReadOnlySpan<Operation> Operations => _operations.AsSpan(0, _count);

    /// <summary>Whether what was set last is that it was written.</summary>
    public bool IsCommitted => _failure is null && _commit.Committed;

    public bool IsCancelled => _cancellation.IsCancellationRequested;

    public ReadOnlySpan<byte> Row(in Operation operation) => _bytes.AsSpan(operation.Start, operation.RowLength);

    public ReadOnlySpan<byte> Properties(in Operation operation) =>
        _bytes.AsSpan(operation.Start + operation.RowLength, operation.PropertiesLength);

    /// <summary>Takes a transaction that keeps the limits.</summary>
    public void Encode(string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        _started = Stopwatch.GetTimestamp();
        Table = table;
        _cancellation = cancellationToken;
        _count = operations.Count;
        if (_operations.Length < _count)
        {
            _operations = new Operation[TableLimits.MaxOperations];
        }

        var room = KeyBytes.MaxLength(partition);
        for (var i = 0; i < _count; i++)
        {
            room += KeyBytes.MaxLength(operations[i].Row) + RowFormat.MaxLength(operations[i].Properties);
        }

        _bytes = ArrayPool<byte>.Shared.Rent(room);
        var at = _partitionLength = KeyBytes.Write(partition, _bytes);
        for (var i = 0; i < _count; i++)
        {
            var operation = operations[i];
            var row = KeyBytes.Write(operation.Row, _bytes.AsSpan(at));
            var properties = operation.Kind == TableOperationKind.Delete ? 0 : RowFormat.Write(operation.Properties, _bytes.AsSpan(at + row));
            _operations[i] = new(operation.Kind, ETag.Parse(operation.IfMatch), at, row, properties);
            at += row + properties;
        }

        Length = at;
    }

    public void SetCommitted(string etag)
    {
        var etags = new string[_count];
        for (var i = 0; i < _count; i++)
        {
            etags[i] = _operations[i].Kind == TableOperationKind.Delete ? "" : etag;
        }

        _commit = TableCommit.Success(etags);
    }

    public void SetConflict(int operation) => _commit = new(false, None, operation);

    public void SetFailed(Exception failure) => _failure = failure;

    public void SetCancelled() => _failure = new OperationCanceledException(_cancellation);

    /// <summary>Counts what was set last.</summary>
    public void Measure(StoreMetrics metrics)
    {
        var elapsed = Stopwatch.GetElapsedTime(_started);
        if (_failure is StoreException { Failure: var failure })
        {
            metrics.Failed(failure, elapsed);
        }
        else if (IsCommitted)
        {
            metrics.Committed(elapsed);
        }
        else if (_failure is null)
        {
            metrics.Conflicted(elapsed);
        }
    }

    /// <summary>Lets the caller go on, with what was set last.</summary>
    public void Complete()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        if (_failure is { } failure)
        {
            _source.SetException(failure);
        }
        else
        {
            _source.SetResult(_commit);
        }
    }

    /// <summary>Nobody waits for it: the queue has not taken it.</summary>
    public void Drop()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _cancellation = default;
    }

    TableCommit IValueTaskSource<TableCommit>.GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            _source.Reset();
            _commit = default;
            _failure = null;
            _cancellation = default;
            _giveBack(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<TableCommit>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<TableCommit>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <param name="IfMatch">The transaction that must have written the row last, or <see cref="ETag.Any"/>.</param>
    internal readonly record struct Operation(TableOperationKind Kind, long IfMatch, int Start, int RowLength, int PropertiesLength);
}
