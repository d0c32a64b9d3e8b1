using System.Runtime.InteropServices;
using SQLitePCL;

namespace MailGrains.Storage.Sqlite.Files;

/// <summary>
/// A prepared statement, kept as long as its connection. Thinner than the provider's command: no boxing, no reader, bytes as spans.
/// Used by one thread at a time. A run ends with <see cref="Reset"/>, which also ends the statement's read transaction.
/// </summary>
internal sealed partial class Statement : IDisposable
{
    private const uint Persistent = 1;

    private readonly sqlite3 _connection;
    private readonly sqlite3_stmt _statement;

    public Statement(sqlite3 connection, string sql)
    {
        _connection = connection;
        var code = raw.sqlite3_prepare_v3(connection, sql, Persistent, out _statement);
        if (code != raw.SQLITE_OK)
        {
            throw Failure(connection);
        }
    }

    public void Bind(int index, long value) => raw.sqlite3_bind_int64(_statement, index, value);

    public void BindNull(int index) => raw.sqlite3_bind_null(_statement, index);

    public void BindText(int index, ReadOnlySpan<byte> utf8) => raw.sqlite3_bind_text(_statement, index, utf8);

    public void BindBlob(int index, ReadOnlySpan<byte> bytes) => raw.sqlite3_bind_blob(_statement, index, bytes);

    /// <summary>Goes to the next row; false when there is none.</summary>
    /// <exception cref="SqliteStepException">The statement failed.</exception>
    public bool Step()
    {
        switch (raw.sqlite3_step(_statement))
        {
            case raw.SQLITE_ROW:
                return true;
            case raw.SQLITE_DONE:
                return false;
            default:
                var failure = Failure(_connection);
                raw.sqlite3_reset(_statement);
                throw failure;
        }
    }

    /// <summary>Runs a statement that returns no rows.</summary>
    public void Run()
    {
        Step();
        raw.sqlite3_reset(_statement);
    }

    public long Number(int column) => raw.sqlite3_column_int64(_statement, column);

    /// <summary>The bytes of a text or blob; valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(_statement, column);

    public void Reset() => raw.sqlite3_reset(_statement);

    public void Dispose() => _statement.Dispose();

    private static SqliteStepException Failure(sqlite3 connection)
    {
        // SQLite takes a full disk as such, but a used-up quota as an I/O error; to the store they are the same.
        var code = raw.sqlite3_extended_errcode(connection);
        return new(
            code == raw.SQLITE_IOERR_WRITE && SystemError(connection) == DurableFiles.QuotaExceeded ? raw.SQLITE_FULL : code,
            raw.sqlite3_errmsg(connection).utf8_to_string());
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_system_errno")]
    private static partial int SystemError(sqlite3 connection);
}

/// <summary>A statement failed; <see cref="Code"/> is SQLite's extended result code.</summary>
internal sealed class SqliteStepException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}
