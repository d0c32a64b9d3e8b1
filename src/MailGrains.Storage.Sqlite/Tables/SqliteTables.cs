using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// The tables of the file. Commits go to the writer's thread; reads run on the caller's thread, on a connection of their own, a
/// statement (and so a read transaction) for each page of rows.
/// </summary>
internal sealed class SqliteTables : ITableStore, IDisposable
{
    private readonly Database _database;
    private readonly CommitQueue _queue;
    private readonly StoreMetrics? _metrics;
    private readonly CommitWriter _writer;
    private readonly IdleObjects<PendingCommit> _idleCommits = new(1024);
    private readonly IdleObjects<ReadConnection> _idleReaders = new(16);
    private readonly ConcurrentDictionary<string, long> _tableIds = new(StringComparer.Ordinal);
    private readonly Action<PendingCommit> _giveBack;
    private volatile bool _closed;

    public SqliteTables(Database database, SqliteStoreOptions options, StoreMetrics? metrics)
    {
        _database = database;
        _queue = new(options.MaxWaitingCommits, options.MaxWaitingBytes);
        _metrics = metrics;
        _giveBack = commit => _idleCommits.TryAdd(commit);
        _writer = new(database, _queue, database.Open(), metrics);
    }

    public ValueTask<TableRow?> ReadAsync(string table, string partition, string row, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            CheckTable(table);
            CheckKey("partition", partition);
            CheckKey("row", row);
            return ValueTask.FromResult(Read((partition, row), static (reader, id, key) => reader.Row(id, key.partition, key.row), table));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<TableRow?>(e);
        }
    }

    public async IAsyncEnumerable<TableRow> ReadRowsAsync(
        string table, string partition, KeyRange rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CheckTable(table);
        CheckKey("partition", partition);
        var from = From(rows);
        var before = Before(rows);
        for (var more = true; more;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var page = new RowPage();
            more = Read((partition, from, before, page), static (r, id, a) => r.Rows(id, a.partition, a.from, a.before, a.page), table);
            foreach (var row in page.Rows)
            {
                yield return row;
            }

            if (more)
            {
                // A long read must not hold its caller's thread from the first page to the last.
                from = KeyBytes.After(page.Last!.Row);
                await Task.Yield();
            }
        }
    }

    public async IAsyncEnumerable<TableRow> ReadPartitionsAsync(
        string table, KeyRange partitions, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CheckTable(table);
        var partition = From(partitions);
        var row = KeyBytes.BeforeAll.ToArray();
        var before = Before(partitions);
        for (var more = true; more;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var page = new RowPage();
            more = Read((partition, row, before, page), static (r, id, a) => r.Partitions(id, a.partition, a.row, a.before, a.page), table);
            foreach (var found in page.Rows)
            {
                yield return found;
            }

            if (more)
            {
                (partition, row) = (KeyBytes.Of(page.Last!.Partition), KeyBytes.After(page.Last.Row));
                await Task.Yield();
            }
        }
    }

    public ValueTask<TableCommit> CommitAsync(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            CheckTable(table);
            return TableLimits.Violation(partition, operations) is { } violation
                ? throw Refused(violation)
                : Enqueue(table, partition, operations, cancellationToken);
        }
        catch (Exception e)
        {
            // The writer counts what it takes; this has not come to it.
            if (e is StoreException { Failure: var failure })
            {
                _metrics?.Failed(failure, Stopwatch.GetElapsedTime(started));
            }

            return ValueTask.FromException<TableCommit>(e);
        }
    }

    /// <summary>Writes what waits, then closes the file.</summary>
    public void Dispose()
    {
        _closed = true;
        _writer.Dispose();
        while (_idleReaders.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    private ValueTask<TableCommit> Enqueue(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        if (!_idleCommits.TryTake(out var commit))
        {
            commit = new(_giveBack);
        }

        commit.Encode(table, partition, operations, cancellationToken);
        var task = commit.Task;
        if (!_queue.TryAdd(commit))
        {
            commit.Drop();
            _idleCommits.TryAdd(commit);
            throw new StoreException(StoreFailure.Unavailable, _closed ? "The store is closed." : "Too many commits wait for the disk.");
        }

        return task;
    }

    private TResult? Read<TArguments, TResult>(TArguments arguments, Func<ReadConnection, long, TArguments, TResult> read, string table)
    {
        if (_closed)
        {
            throw new StoreException(StoreFailure.Unavailable, "The store is closed.");
        }

        ReadConnection? reader = null;
        try
        {
            if (!_idleReaders.TryTake(out reader))
            {
                reader = new(_database);
            }

            if (!_tableIds.TryGetValue(table, out var id) && (id = reader.TableId(table)) != 0)
            {
                _tableIds.TryAdd(table, id);
            }

            var result = id == 0 ? default : read(reader, id, arguments);
            GiveBack(reader);
            return result;
        }
        catch (Exception e)
        {
            reader?.Dispose();
            if (e is SqliteStepException failure)
            {
                throw SqliteFailure.Of(failure.Code, "The read failed.", e);
            }

            throw;
        }
    }

    private void GiveBack(ReadConnection reader)
    {
        if (!_idleReaders.TryAdd(reader))
        {
            reader.Dispose();
        }
        else if (_closed)
        {
            // Whoever comes last, this call or the closing one, finds it.
            CloseReaders();
        }
    }

    private void CloseReaders()
    {
        while (_idleReaders.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    private static byte[] From(KeyRange range) => range switch
    {
        { Lower: null } => KeyBytes.BeforeAll.ToArray(),
        { LowerInclusive: true } => KeyBytes.Of(range.Lower),
        _ => KeyBytes.After(range.Lower),
    };

    private static byte[] Before(KeyRange range) => range switch
    {
        { Upper: null } => KeyBytes.PastAll.ToArray(),
        { UpperInclusive: false } => KeyBytes.Of(range.Upper),
        _ => KeyBytes.After(range.Upper),
    };

    private static void CheckKey(string what, string key)
    {
        if (TableLimits.KeyViolation(key) is { } violation)
        {
            throw Refused($"{what} key: {violation}");
        }
    }

    /// <summary>Azure's rule for the names of tables.</summary>
    private static void CheckTable(string table)
    {
        if (table.Length is < 3 or > 63 || !char.IsAsciiLetter(table[0]) || table.Any(c => !char.IsAsciiLetterOrDigit(c)))
        {
            throw Refused($"a table's name is 3 to 63 ASCII letters and digits, the first a letter, not '{table}'");
        }
    }

    private static StoreException Refused(string violation) => new(StoreFailure.Refused, $"Refused: {violation}.");
}
