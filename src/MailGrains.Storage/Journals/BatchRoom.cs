using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>What is left of a transaction beside the header, by what the calls announce.</summary>
internal struct BatchRoom()
{
    /// <summary>Bounds how often calls are decided again when one of them throws.</summary>
    public const int MaxCalls = 256;

    private int _operations = 1;
    private int _rowBytes = JournalHeader.EncodedBytes;
    private int _eventBytes = 0;

    /// <summary>Takes a call's share; false, and nothing is taken, when it does not fit.</summary>
    public bool Take(int rows, int rowBytes, int maxEventBytes)
    {
        // A sum of shares that fit each and are refused here stays below 2^31: a share is at most a transaction.
        var events = _eventBytes + maxEventBytes;
        var operations = _operations + rows + (events > 0 ? 1 : 0);
        var bytes = _rowBytes + rowBytes + (events > 0 ? JournalRows.EncodedSize(events) : 0);
        if (operations > TableLimits.MaxOperations || bytes > TableLimits.MaxTransactionBytes || events > JournalRows.MaxEventBytes)
        {
            return false;
        }

        _operations += rows;
        _rowBytes += rowBytes;
        _eventBytes = events;
        return true;
    }

    /// <summary>The encoded size of a call's rows, when they can be written by the owner's journal.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Refused"/>: they break a limit by themselves.</exception>
    public static int Measure(IReadOnlyList<TableOperation> rows, int maxEventBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxEventBytes);
        long size = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (TableLimits.RowViolation(row) is { } violation)
            {
                throw new StoreException(StoreFailure.Refused, violation);
            }

            if (row.Row == JournalHeader.Row || row.Row.StartsWith(JournalRows.Prefix, StringComparison.Ordinal))
            {
                throw new StoreException(StoreFailure.Refused, $"row '{row.Row}' is the journal's own");
            }

            size += TableLimits.EncodedSize(row.Row, row.Properties);
        }

        if (size > TableLimits.MaxTransactionBytes || !new BatchRoom().Take(rows.Count, (int)size, maxEventBytes))
        {
            throw new StoreException(
                StoreFailure.Refused, $"{rows.Count} rows of {size} bytes and {maxEventBytes} bytes of events are more than a transaction");
        }

        if (HasRepeatedRow(rows))
        {
            throw new StoreException(StoreFailure.Refused, "a row stands twice in one call");
        }

        return (int)size;
    }

    /// <summary>Cuts rows, in order, into parts that fit a transaction each; a row that fits none is a part of its own.</summary>
    public static IEnumerable<IReadOnlyList<TableOperation>> Split(IReadOnlyList<TableOperation> rows)
    {
        var part = new List<TableOperation>();
        var room = new BatchRoom();
        foreach (var row in rows)
        {
            var size = TableLimits.EncodedSize(row.Row, row.Properties);
            if (!room.Take(1, size, 0) && part.Count > 0)
            {
                yield return part;
                part = [];
                room = new BatchRoom();
                room.Take(1, size, 0);
            }

            part.Add(row);
        }

        if (part.Count > 0)
        {
            yield return part;
        }
    }

    private static bool HasRepeatedRow(IReadOnlyList<TableOperation> rows)
    {
        if (rows.Count > 8)
        {
            var keys = new HashSet<string>(rows.Count, StringComparer.Ordinal);
            return rows.Any(row => !keys.Add(row.Row));
        }

        for (var i = 1; i < rows.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (string.Equals(rows[i].Row, rows[j].Row, StringComparison.Ordinal))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
