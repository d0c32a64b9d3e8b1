using System.Globalization;
using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Tables;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>The writer's connection and its statements.</summary>
internal sealed class WriteConnection
{
    /// <summary>SQLITE_DBSTATUS_CACHE_WRITE: pages written, in WAL mode to the WAL.</summary>
    private const int CacheWrite = 9;

    private const int CacheKibibytes = 48 * 1024;
    private const int KeptWalBytes = 128 * 1024 * 1024;

    /// <summary>Rows up to this size lie with their key: a journal's header does, what is written once does not.</summary>
    private const int MaxBytesWithKey = 128;

    private readonly SqliteConnection _connection;
    private readonly sqlite3 _handle;
    private readonly Statement _find;
    private readonly Statement _insert;
    private readonly Statement _update;
    private readonly Statement _delete;
    private readonly Statement _insertContent;
    private readonly Statement _deleteContent;
    private readonly Statement _findTable;
    private readonly Statement _insertTable;
    private readonly List<Statement> _all = [];

    public WriteConnection(Database database)
    {
        _connection = database.Connect();
        _handle = _connection.Handle!;
        try
        {
            Database.Execute(_connection, string.Create(
                CultureInfo.InvariantCulture, $"PRAGMA cache_size=-{CacheKibibytes}; PRAGMA journal_size_limit={KeptWalBytes}"));
            Begin = Prepare("BEGIN IMMEDIATE");
            Commit = Prepare("COMMIT");
            _find = Prepare("SELECT etag, content FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk = ?3");
            _insert = Prepare("INSERT INTO rows(tbl, pk, rk, etag, content, props) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
            _update = Prepare("UPDATE rows SET etag = ?4, content = ?5, props = ?6 WHERE tbl = ?1 AND pk = ?2 AND rk = ?3");
            _delete = Prepare("DELETE FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk = ?3");
            _insertContent = Prepare("INSERT INTO contents(props) VALUES(?1)");
            _deleteContent = Prepare("DELETE FROM contents WHERE id = ?1");
            _findTable = Prepare("SELECT id FROM tables WHERE name = ?1");
            _insertTable = Prepare("INSERT INTO tables(name) VALUES(?1) RETURNING id");
        }
        catch
        {
            Close();
            throw;
        }
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

    /// <summary>What stands in a row's place: whether it exists, its ETag, and where its content lies (0: with its key).</summary>
    public StoredVersion Find(long table, PendingCommit commit, in PendingCommit.Operation operation)
    {
        BindKey(_find, table, commit, operation);
        var version = _find.Step() ? new StoredVersion(true, _find.Number(0), _find.Number(1)) : default;
        _find.Reset();
        return version;
    }

    /// <summary>Carries out an operation whose condition holds on what <see cref="Find"/> has found.</summary>
    public void Write(long table, PendingCommit commit, in PendingCommit.Operation operation, StoredVersion found, long etag)
    {
        if (found.Content != 0)
        {
            _deleteContent.Bind(1, found.Content);
            _deleteContent.Run();
        }

        if (operation.Kind == TableOperationKind.Delete)
        {
            BindKey(_delete, table, commit, operation);
            _delete.Run();
            return;
        }

        var properties = commit.Properties(operation);
        var statement = found.Exists ? _update : _insert;
        BindKey(statement, table, commit, operation);
        statement.Bind(4, etag);
        if (properties.Length <= MaxBytesWithKey)
        {
            statement.BindNull(5);
            statement.BindBlob(6, properties);
        }
        else
        {
            _insertContent.BindBlob(1, properties);
            _insertContent.Run();
            statement.Bind(5, raw.sqlite3_last_insert_rowid(_handle));
            statement.BindNull(6);
        }

        statement.Run();
    }

    /// <summary>Pages that this connection has written since the last checkpoint.</summary>
    public int PagesWritten()
    {
        raw.sqlite3_db_status(_handle, CacheWrite, out var pages, out _, 0);
        return pages;
    }

    /// <summary>Begins to count the pages anew.</summary>
    public void ResetPagesWritten() => raw.sqlite3_db_status(_handle, CacheWrite, out _, out _, 1);

    /// <summary>
    /// Moves what the WAL holds into the file, as far as readers let it (passive: it waits for nobody). A failure leaves the WAL as it
    /// is, so nothing is lost. False: it failed.
    /// </summary>
    public bool Checkpoint() => Database.Checkpoint(_connection);

    /// <inheritdoc cref="Database.Settle"/>
    public void Settle() => Database.Settle(_connection);

    /// <summary>Closes; an open transaction is rolled back by it.</summary>
    public void Close()
    {
        _all.ForEach(s => s.Dispose());
        _connection.Dispose();
    }

    private static void BindKey(Statement statement, long table, PendingCommit commit, in PendingCommit.Operation operation)
    {
        statement.Bind(1, table);
        statement.BindText(2, commit.Partition);
        statement.BindText(3, commit.Row(operation));
    }

    private Statement Prepare(string sql)
    {
        var statement = new Statement(_handle, sql);
        _all.Add(statement);
        return statement;
    }
}

/// <summary>A row as it stands before a write; <see cref="Content"/> is 0 where its properties lie with its key.</summary>
internal readonly record struct StoredVersion(bool Exists, long ETag, long Content)
{
    /// <summary>Whether the operation's condition holds on this version.</summary>
    public bool Allows(in PendingCommit.Operation operation) => operation.Kind switch
    {
        TableOperationKind.Insert => !Exists,
        TableOperationKind.Upsert => true,
        _ => Exists && (operation.IfMatch == Tables.ETag.Any || operation.IfMatch == ETag),
    };
}
