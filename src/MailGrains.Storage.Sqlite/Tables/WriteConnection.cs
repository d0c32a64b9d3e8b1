using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Tables;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>The writer's connection and its statements.</summary>
internal sealed class WriteConnection
{
    private const int CacheWrite = 9;

    private readonly SqliteConnection _connection;
    private readonly sqlite3 _handle;
    private readonly Statement _find;
    private readonly Statement _insert;
    private readonly Statement _update;
    private readonly Statement _delete;
    private readonly Statement _findTable;
    private readonly Statement _insertTable;
    private readonly List<Statement> _all = [];

    public WriteConnection(SqliteConnection connection)
    {
        _connection = connection;
        _handle = connection.Handle!;
        Database.Execute(connection, "PRAGMA cache_size=-32000");
        Begin = Prepare("BEGIN IMMEDIATE");
        Commit = Prepare("COMMIT");
        _find = Prepare("SELECT id, etag FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk = ?3");
        _insert = Prepare("INSERT INTO rows(tbl, pk, rk, etag, props) VALUES(?1, ?2, ?3, ?4, ?5)");
        _update = Prepare("UPDATE rows SET etag = ?2, props = ?3 WHERE id = ?1");
        _delete = Prepare("DELETE FROM rows WHERE id = ?1");
        _findTable = Prepare("SELECT id FROM tables WHERE name = ?1");
        _insertTable = Prepare("INSERT INTO tables(name) VALUES(?1) RETURNING id");
    }

    public Statement Begin { get; }

    public Statement Commit { get; }

    /// <summary>The number of a table, which is made when it is new.</summary>
    public long TableId(string name)
    {
        var key = KeyBytes.Of(name);
        foreach (var statement in (ReadOnlySpan<Statement>)[_findTable, _insertTable])
        {
            statement.BindText(1, key);
            var found = statement.Step();
            var id = found ? statement.Number(0) : 0;
            statement.Reset();
            if (found)
            {
                return id;
            }
        }

        throw new InvalidOperationException("An insert returned no row.");
    }

    /// <summary>Whether the operation's condition holds; <paramref name="row"/> is the number of the row, 0 when there is none.</summary>
    public bool TryFind(long table, PendingCommit commit, in PendingCommit.Operation operation, out long row)
    {
        _find.Bind(1, table);
        _find.BindText(2, commit.Partition);
        _find.BindText(3, commit.Row(operation));
        var exists = _find.Step();
        row = exists ? _find.Number(0) : 0;
        var etag = exists ? _find.Number(1) : 0;
        _find.Reset();
        return operation.Kind switch
        {
            TableOperationKind.Insert => !exists,
            TableOperationKind.Upsert => true,
            _ => exists && (operation.IfMatch == ETag.Any || operation.IfMatch == etag),
        };
    }

    /// <summary>Carries out an operation whose condition holds.</summary>
    public void Write(long table, PendingCommit commit, in PendingCommit.Operation operation, long row, long etag)
    {
        if (operation.Kind == TableOperationKind.Delete)
        {
            _delete.Bind(1, row);
            _delete.Run();
        }
        else if (row != 0)
        {
            _update.Bind(1, row);
            _update.Bind(2, etag);
            _update.BindBlob(3, commit.Properties(operation));
            _update.Run();
        }
        else
        {
            _insert.Bind(1, table);
            _insert.BindText(2, commit.Partition);
            _insert.BindText(3, commit.Row(operation));
            _insert.Bind(4, etag);
            _insert.BindBlob(5, commit.Properties(operation));
            _insert.Run();
        }
    }

    /// <summary>Pages that this connection has written since the last checkpoint.</summary>
    public int PagesWritten()
    {
        raw.sqlite3_db_status(_handle, CacheWrite, out var pages, out _, 0);
        return pages;
    }

    public void Checkpoint()
    {
        raw.sqlite3_wal_checkpoint_v2(_handle, null, raw.SQLITE_CHECKPOINT_PASSIVE, out _, out _);
        raw.sqlite3_db_status(_handle, CacheWrite, out _, out _, 1);
    }

    /// <summary>Closes; an open transaction is rolled back by it.</summary>
    public void Close()
    {
        _all.ForEach(s => s.Dispose());
        _connection.Dispose();
    }

    private Statement Prepare(string sql)
    {
        var statement = new Statement(_handle, sql);
        _all.Add(statement);
        return statement;
    }
}
