using System.Text.Json.Serialization.Metadata;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// The one row that a grain owns, with what is known of it. Another activation of the grain may have written it since, so what is known
/// is good for a "yes" only: a "no" reads. Calls may interleave; a read that overlaps a write is answered, not kept.
/// </summary>
internal sealed class DirectoryCell<T>(DirectoryTable table, string partition, string row, JsonTypeInfo<T> type)
    where T : class
{
    private const int MaxAttempts = 4;

    private int _writes;

    /// <summary>Whether the row was read or written by this activation.</summary>
    public bool IsKnown { get; private set; }

    public Entry<T>? Known { get; private set; }

    /// <summary>Reads the store.</summary>
    /// <exception cref="StoreUnavailableException">It can't be read now.</exception>
    public async ValueTask<Entry<T>?> ReadAsync(CancellationToken cancellationToken)
    {
        var writes = _writes;
        var entry = await table.ReadAsync(partition, row, type, cancellationToken);
        if (writes == _writes)
        {
            Keep(entry);
        }

        return entry;
    }

    /// <summary>Replaces the row unless <paramref name="refuse"/> has a reason against it, given what the store holds.</summary>
    /// <exception cref="StoreUnavailableException">It may or may not have been written.</exception>
    public async ValueTask<DirectoryWrite> WriteAsync(
        Func<T?, T> next, long revision, Func<Entry<T>, DirectoryWrite?> refuse, CancellationToken cancellationToken)
    {
        _writes++;
        try
        {
            for (var attempt = 1; attempt <= MaxAttempts; attempt++)
            {
                var current = IsKnown && attempt == 1 ? Known : await table.ReadAsync(partition, row, type, cancellationToken);
                if (current is not null && refuse(current) is { } reason)
                {
                    if (attempt == 1)
                    {
                        // A refusal is a "no" too: not by what was known.
                        IsKnown = false;
                        continue;
                    }

                    Keep(current);
                    return reason;
                }

                var value = next(current?.Value);
                var properties = DirectoryTable.Encode(value, type, revision);
                var commit = await table.CommitAsync(
                    partition,
                    [current is null ? TableOperation.Insert(row, properties) : TableOperation.Replace(row, properties, current.ETag)],
                    cancellationToken);
                if (commit.Committed)
                {
                    Keep(new Entry<T>(value, revision, commit.ETags[0]));
                    return DirectoryWrite.Written;
                }
            }

            throw new StoreUnavailableException($"Row '{row}' of '{partition}' is being changed elsewhere.");
        }
        catch
        {
            IsKnown = false;
            Known = null;
            throw;
        }
        finally
        {
            _writes++;
        }
    }

    private void Keep(Entry<T>? entry)
    {
        IsKnown = true;
        Known = entry;
    }
}
