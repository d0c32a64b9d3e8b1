using MailGrains.Storage.Sqlite.Files;
using SQLitePCL;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// The one thread that writes. It takes what all callers have waiting and commits it in one SQLite transaction, so that they share one
/// fsync (group commit).
/// <para>
/// A caller's conditions are all checked before its first write: a conflict writes nothing and needs no savepoint. Each caller sees
/// the writes of those before it in the group; where the group fails, everyone in it fails, those with a conflict too.
/// </para>
/// <para>
/// Failures: before COMMIT, and a COMMIT that found no room, nothing was written (a WAL frame that could not be written whole
/// never counts). After any other failed COMMIT the bytes may lie in the WAL, and a recovery might find them:
/// <see cref="StoreFailure.Unknown"/>. After every failure the connection is closed and opened again before the next group; after an unknown
/// one the WAL is moved into the file and synced first, since a later sync of the WAL need not report bytes that an earlier one has lost.
/// </para>
/// <para>
/// ETags are the number of the transaction: this opening's range (<see cref="Database.Open"/>) counted up, so none ever comes back.
/// </para>
/// </summary>
internal sealed class CommitWriter : IDisposable
{
    private const int MaxGroup = 512;
    private const int MaxGroupBytes = 16 * 1024 * 1024;

    private readonly Database _database;
    private readonly CommitQueue _queue;
    private readonly StoreMetrics? _metrics;
    private readonly Thread _thread;
    private readonly CheckpointThread _checkpoints;
    private readonly List<PendingCommit> _group = [];
    private readonly Dictionary<string, long> _tables = new(StringComparer.Ordinal);
    private readonly List<string> _newTables = [];
    private WriteConnection? _connection;
    private long _transaction;
    private bool _unsettled;

    public CommitWriter(Database database, CommitQueue queue, long firstTransaction, StoreMetrics? metrics)
    {
        _database = database;
        _queue = queue;
        _metrics = metrics;
        _transaction = firstTransaction;
        _checkpoints = new CheckpointThread(database);
        _thread = new Thread(Run) { IsBackground = true, Name = "MailGrains SQLite writer" };
        _thread.Start();
    }

    /// <summary>Takes no more commits, writes what waits, and closes its connections.</summary>
    public void Dispose()
    {
        _queue.Close();
        _thread.Join();
        _checkpoints.Dispose();
    }

    private void Run()
    {
        while (_queue.Take(_group, MaxGroup, MaxGroupBytes))
        {
            try
            {
                WriteGroup();
            }
            catch (Exception e)
            {
                // What can't be foreseen leaves the outcome open; the thread goes on.
                FailGroup(e as StoreException ?? new StoreException(StoreFailure.Unknown, "The writer failed.", e));
            }

            Measure();
            CompletionBatch.Complete(_group);
            _group.Clear();
            if (_connection is { } connection)
            {
                _checkpoints.AfterGroup(connection);
            }
        }

        _connection?.Close();
    }

    private void WriteGroup()
    {
        var committing = false;
        try
        {
            _connection ??= new WriteConnection(_database);
            if (_unsettled)
            {
                _connection.Settle();
                _unsettled = false;
            }

            _connection.Begin.Run();
            foreach (var commit in _group)
            {
                Write(commit, _connection);
            }

            committing = true;
            _connection.Commit.Run();
            _newTables.Clear();
        }
        catch (SqliteStepException e)
        {
            var unknown = committing && (e.Code & 0xff) != raw.SQLITE_FULL;
            FailGroup(unknown
                ? new StoreException(StoreFailure.Unknown, $"The commit failed: {e.Message} ({e.Code}).", e)
                : SqliteFailure.Of(e.Code, "Nothing was written.", e));
        }
    }

    private void Measure()
    {
        if (_metrics is not null)
        {
            var synced = false;
            foreach (var commit in _group)
            {
                commit.Measure(_metrics);
                synced |= commit.IsCommitted;
            }

            if (synced)
            {
                _metrics.Grouped();
            }
        }
    }

    private void FailGroup(StoreException failure)
    {
        _unsettled |= failure.Failure == StoreFailure.Unknown;
        foreach (var commit in _group)
        {
            // An exception each: callers rethrow it on several threads at once.
            commit.SetFailed(new StoreException(failure.Failure, failure.Message, failure.InnerException));
        }

        // Names that were given numbers in this group have none now.
        _newTables.ForEach(name => _tables.Remove(name));
        _newTables.Clear();
        var connection = _connection;
        _connection = null;
        connection?.Close();
    }

    private void Write(PendingCommit commit, WriteConnection connection)
    {
        if (commit.IsCancelled)
        {
            commit.SetCancelled();
            return;
        }

        var table = TableId(commit.Table, connection);
        var operations = commit.Operations;
        Span<StoredVersion> found = stackalloc StoredVersion[operations.Length];
        for (var i = 0; i < operations.Length; i++)
        {
            found[i] = connection.Find(table, commit, operations[i]);
            if (!found[i].Allows(operations[i]))
            {
                commit.SetConflict(i);
                return;
            }
        }

        var etag = ++_transaction;
        for (var i = 0; i < operations.Length; i++)
        {
            connection.Write(table, commit, operations[i], found[i], etag);
        }

        commit.SetCommitted(ETag.Text(etag));
    }

    private long TableId(string name, WriteConnection connection)
    {
        if (!_tables.TryGetValue(name, out var id))
        {
            id = connection.TableId(name);
            _tables.Add(name, id);
            _newTables.Add(name);
        }

        return id;
    }
}
