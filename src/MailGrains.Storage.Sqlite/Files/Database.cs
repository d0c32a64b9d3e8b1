using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailGrains.Storage.Sqlite.Files;

/// <summary>
/// The SQLite file: how its connections are opened, its format, its schema.
/// <para>
/// Format: <c>application_id</c> says that the file is ours, <c>user_version</c> is the number of the format. Before anything is written
/// both are checked, so that a file of a newer release or of another program stays as it is.
/// </para>
/// </summary>
internal sealed class Database(string path, TimeSpan busyTimeout)
{
    /// <summary>"MlGr".</summary>
    public const int ApplicationId = 0x4D6C4772;

    public const int Format = 1;

    public const int PageBytes = 16 * 1024;

    /// <summary>What <c>PRAGMA synchronous</c> answers.</summary>
    private const int SynchronousFull = 2;

    /// <summary>The numbers of transactions that one opening of the file may use, as bits: ETags are opening, then transaction.</summary>
    private const int TransactionBits = 40;

    /// <summary>
    /// The properties of a small row lie with its key, where the next version overwrites them; those of a larger one lie in
    /// <c>contents</c>, which is appended to, so that a commit fills whole pages whatever partitions it writes to.
    /// </summary>
    private const string Schema = """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES('openings', 0);
        CREATE TABLE tables(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE contents(id INTEGER PRIMARY KEY, props BLOB NOT NULL);
        CREATE TABLE rows(
            tbl INTEGER NOT NULL, pk TEXT NOT NULL, rk TEXT NOT NULL, etag INTEGER NOT NULL, content INTEGER, props BLOB,
            PRIMARY KEY(tbl, pk, rk)) WITHOUT ROWID;
        """;

    public string Path => path;

    /// <summary>Opens a connection on which statements are prepared for long use; it is not pooled by the provider.</summary>
    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            // fullfsync: on macOS a plain fsync leaves the bytes in the drive's cache.
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"""
                PRAGMA busy_timeout={(int)busyTimeout.TotalMilliseconds};
                PRAGMA synchronous=FULL; PRAGMA fullfsync=1; PRAGMA checkpoint_fullfsync=1;
                PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY;
                """));
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (e is SqliteException failure)
            {
                throw SqliteFailure.Of(failure.SqliteExtendedErrorCode, "The store's file can't be opened.", e);
            }

            throw;
        }
    }

    /// <summary>
    /// Makes or checks the file. Returns the first transaction number of this opening: no other opening, of whatever process,
    /// before or later, hands out numbers of its range.
    /// </summary>
    public long Open()
    {
        using var connection = Connect();
        try
        {
            CheckFormat(connection);
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA page_size={PageBytes}"));
            if (Text(connection, "PRAGMA journal_mode=WAL") != "wal" || Number(connection, "PRAGMA synchronous") != SynchronousFull)
            {
                throw new StoreException(
                    StoreFailure.Unavailable, $"'{path}' can't be opened with a synced write-ahead log: is it on a network file system?");
            }

            Execute(connection, "BEGIN IMMEDIATE");
            if (CheckFormat(connection) == 0)
            {
                Execute(connection, Schema);
                Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id={ApplicationId}; PRAGMA user_version={Format};"));
            }

            Execute(connection, "UPDATE meta SET value = value + 1 WHERE name = 'openings'");
            var opening = Number(connection, "SELECT value FROM meta WHERE name = 'openings'");
            Execute(connection, "COMMIT");
            return opening << TransactionBits;
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.Of(e.SqliteExtendedErrorCode, "The store's file can't be opened.", e);
        }
    }

    /// <summary>The format of the file, 0 when it is new.</summary>
    private int CheckFormat(SqliteConnection connection)
    {
        var application = Number(connection, "PRAGMA application_id");
        var format = Number(connection, "PRAGMA user_version");
        if (application == 0 && format == 0 && Number(connection, "SELECT count(*) FROM sqlite_master") == 0)
        {
            return 0;
        }

        if (application != ApplicationId)
        {
            throw new StoreException(StoreFailure.Unreadable, $"'{path}' is not a MailGrains store but a database of another program.");
        }

        return format == Format
            ? Format
            : throw new StoreException(
                StoreFailure.Unreadable,
                $"'{path}' has format {format}; this release reads and writes format {Format}. Start the release that wrote it, or a newer one.");
    }

    /// <summary>A passive checkpoint; a failure leaves the WAL as it is. False: it failed.</summary>
    public static bool Checkpoint(SqliteConnection connection) =>
        raw.sqlite3_wal_checkpoint_v2(connection.Handle, null, raw.SQLITE_CHECKPOINT_PASSIVE, out _, out _) == raw.SQLITE_OK;

    /// <summary>Moves all of the WAL into the file, syncs it and empties the WAL; waits for readers.</summary>
    /// <exception cref="StoreException">It could not be done, so what was written last may not be on stable storage.</exception>
    public static void Settle(SqliteConnection connection)
    {
        var code = raw.sqlite3_wal_checkpoint_v2(connection.Handle, null, raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _);
        if (code != raw.SQLITE_OK)
        {
            throw SqliteFailure.Of(code, "What was written before a failed commit can't be synced.");
        }
    }

    /// <exception cref="StoreException">It failed.</exception>
    public static void Execute(SqliteConnection connection, string sql)
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.Of(e.SqliteExtendedErrorCode, "The store's file can't be used.", e);
        }
    }

    private static long Number(SqliteConnection connection, string sql) => Convert.ToInt64(Scalar(connection, sql), CultureInfo.InvariantCulture);

    private static string Text(SqliteConnection connection, string sql) => Convert.ToString(Scalar(connection, sql), CultureInfo.InvariantCulture) ?? "";

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}

/// <summary>What a result code of SQLite means to a caller of whom nothing has been written.</summary>
internal static class SqliteFailure
{
    public static StoreException Of(int code, string message, Exception? inner = null) => new(
        (code & 0xff) switch
        {
            raw.SQLITE_FULL => StoreFailure.Full,
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => StoreFailure.Unreadable,
            _ => StoreFailure.Unavailable,
        },
        $"{message} SQLite: {raw.sqlite3_errstr(code).utf8_to_string()} ({code}).",
        inner);
}
