using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Tables;
using Microsoft.Data.Sqlite;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>A reader's connection and its statements; used by one call at a time.</summary>
internal sealed class ReadConnection : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Statement _table;
    private readonly Statement _point;
    private readonly Statement _rows;
    private readonly Statement _partitions;

    public ReadConnection(Database database)
    {
        _connection = database.Connect();
        try
        {
            Database.Execute(_connection, "PRAGMA query_only=1; PRAGMA cache_size=-2000");
            var handle = _connection.Handle!;
            _table = new(handle, "SELECT id FROM tables WHERE name = ?1");
            _point = new(handle, Select("") + "WHERE r.tbl = ?1 AND r.pk = ?2 AND r.rk = ?3");
            _rows = new(handle, Select(", r.rk") + "WHERE r.tbl = ?1 AND r.pk = ?2 AND r.rk >= ?3 AND r.rk < ?4 ORDER BY r.rk");
            _partitions = new(handle, Select(", r.rk, r.pk") + "WHERE r.tbl = ?1 AND (r.pk, r.rk) >= (?2, ?3) AND r.pk < ?4 ORDER BY r.pk, r.rk");
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>The number of a table, 0 when there is none yet.</summary>
    public long TableId(string name)
    {
        _table.BindText(1, KeyBytes.Of(name));
        try
        {
            return _table.Step() ? _table.Number(0) : 0;
        }
        finally
        {
            _table.Reset();
        }
    }

    public TableRow? Row(long table, string partition, string row)
    {
        Span<byte> key = stackalloc byte[3 * TableLimits.MaxKeyChars];
        _point.Bind(1, table);
        _point.BindText(2, key[..KeyBytes.Write(partition, key)]);
        _point.BindText(3, key[..KeyBytes.Write(row, key)]);
        try
        {
            return _point.Step() ? RowOf(_point, partition, row) : null;
        }
        finally
        {
            _point.Reset();
        }
    }

    /// <summary>Adds the first rows of a range until <paramref name="page"/> is full; false when the range ended before.</summary>
    public bool Rows(long table, string partition, ReadOnlySpan<byte> from, ReadOnlySpan<byte> before, RowPage page)
    {
        _rows.Bind(1, table);
        _rows.BindText(2, KeyBytes.Of(partition));
        _rows.BindText(3, from);
        _rows.BindText(4, before);
        return Fill(_rows, partition, page);
    }

    /// <summary>The same over partitions, from one row on.</summary>
    public bool Partitions(long table, ReadOnlySpan<byte> partition, ReadOnlySpan<byte> row, ReadOnlySpan<byte> before, RowPage page)
    {
        _partitions.Bind(1, table);
        _partitions.BindText(2, partition);
        _partitions.BindText(3, row);
        _partitions.BindText(4, before);
        return Fill(_partitions, null, page);
    }

    public void Dispose()
    {
        _table.Dispose();
        _point.Dispose();
        _rows.Dispose();
        _partitions.Dispose();
        _connection.Dispose();
    }

    private static string Select(string keys) =>
        $"SELECT r.etag, coalesce(r.props, c.props){keys} FROM rows r LEFT JOIN contents c ON c.id = r.content ";

    private static bool Fill(Statement statement, string? partition, RowPage page)
    {
        try
        {
            while (statement.Step())
            {
                if (page.IsFull)
                {
                    return true;
                }

                partition = statement.Bytes(3) is { Length: > 0 } next ? PartitionOf(next, page) : partition;
                page.Add(RowOf(statement, partition!, KeyBytes.Read(statement.Bytes(2))), statement.Bytes(1).Length);
            }

            return false;
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>Rows of one partition share its key.</summary>
    private static string PartitionOf(ReadOnlySpan<byte> key, RowPage page)
    {
        var partition = KeyBytes.Read(key);
        return page.Last is { } last && last.Partition == partition ? last.Partition : partition;
    }

    private static TableRow RowOf(Statement statement, string partition, string row) =>
        new(partition, row, ETag.Text(statement.Number(0)), RowFormat.Read(statement.Bytes(1).ToArray()));
}

/// <summary>The rows that one statement reads into memory, so that no read transaction waits for what is done with them.</summary>
internal sealed class RowPage
{
    private const int MaxRows = 256;
    private const int MaxBytes = 1024 * 1024;

    private int _bytes;

    public List<TableRow> Rows { get; } = [];

    public TableRow? Last => Rows.Count == 0 ? null : Rows[^1];

    public bool IsFull => Rows.Count >= MaxRows || _bytes >= MaxBytes;

    public void Add(TableRow row, int bytes)
    {
        Rows.Add(row);
        _bytes += bytes;
    }
}
