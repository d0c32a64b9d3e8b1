using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// Orleans' reminder table on an <see cref="ITableStore"/>; <see cref="ReminderRow"/> says how the rows look. Each call is one
/// transaction or one read (two where a range wraps round the ring); the ETag of an entry is its row's. What fails is thrown. A row that
/// can't be read is logged and left out, so that it does not keep all other reminders of its silo from firing.
/// </summary>
internal sealed partial class TableStoreReminderTable(ITableStore store, string serviceId, string clusterId, ILogger logger) : IReminderTable
{
    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public async Task<ReminderTableData> ReadRows(GrainId grainId, CancellationToken cancellationToken)
    {
        var partition = ReminderRow.Partition(serviceId, grainId.GetUniformHashCode());
        var entries = await ReadAsync(
            store.ReadRowsAsync(ReminderRow.Table, partition, ReminderRow.KeysOf(grainId), cancellationToken)).ConfigureAwait(false);
        entries.RemoveAll(entry => entry.GrainId != grainId);
        return new ReminderTableData(entries);
    }

    /// <summary>The ring's part (begin, end]; it wraps where begin is not below end, and is the whole ring where both are the same.</summary>
    public async Task<ReminderTableData> ReadRows(uint begin, uint end, CancellationToken cancellationToken)
    {
        if (begin < end)
        {
            return new ReminderTableData(await ReadRangeAsync(begin, end, cancellationToken).ConfigureAwait(false));
        }

        if (begin == end)
        {
            return new ReminderTableData(await ReadRangeAsync(null, uint.MaxValue, cancellationToken).ConfigureAwait(false));
        }

        var entries = await ReadRangeAsync(null, end, cancellationToken).ConfigureAwait(false);
        entries.AddRange(await ReadRangeAsync(begin, uint.MaxValue, cancellationToken).ConfigureAwait(false));
        return new ReminderTableData(entries);
    }

    public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName, CancellationToken cancellationToken)
    {
        var row = await store.ReadAsync(
            ReminderRow.Table,
            ReminderRow.Partition(serviceId, grainId.GetUniformHashCode()),
            ReminderRow.Key(grainId, reminderName),
            cancellationToken).ConfigureAwait(false);
        return row is not null && TryParse(row) is { } entry && entry.GrainId == grainId && entry.ReminderName == reminderName
            ? entry
            : null;
    }

    public async Task<string?> UpsertRow(ReminderEntry entry, CancellationToken cancellationToken)
    {
        var commit = await store.CommitAsync(
            ReminderRow.Table,
            ReminderRow.Partition(serviceId, entry.GrainId.GetUniformHashCode()),
            [TableOperation.Upsert(ReminderRow.Key(entry.GrainId, entry.ReminderName), ReminderRow.Of(serviceId, clusterId, entry))],
            cancellationToken).ConfigureAwait(false);
        return commit.Committed ? commit.ETags[0] : null;
    }

    public async Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag, CancellationToken cancellationToken)
    {
        var commit = await store.CommitAsync(
            ReminderRow.Table,
            ReminderRow.Partition(serviceId, grainId.GetUniformHashCode()),
            [TableOperation.Delete(ReminderRow.Key(grainId, reminderName), eTag)],
            cancellationToken).ConfigureAwait(false);
        return commit.Committed;
    }

    public async Task TestOnlyClearTable(CancellationToken cancellationToken)
    {
        var rows = await store.ReadPartitionsAsync(ReminderRow.Table, Range(null, uint.MaxValue), cancellationToken)
            .ReadAllAsync(cancellationToken).ConfigureAwait(false);
        var ours = rows.Where(row => ReminderRow.IsOf(serviceId, row) && ReminderRow.IsOfCluster(clusterId, row));
        foreach (var partition in ours.GroupBy(row => row.Partition))
        {
            await store.DeleteUnchangedAsync(ReminderRow.Table, partition.Key, partition, cancellationToken).ConfigureAwait(false);
        }
    }

    Task<ReminderTableData> IReminderTable.ReadRows(GrainId grainId) => ReadRows(grainId, CancellationToken.None);

    Task<ReminderTableData> IReminderTable.ReadRows(uint begin, uint end) => ReadRows(begin, end, CancellationToken.None);

    Task<ReminderEntry?> IReminderTable.ReadRow(GrainId grainId, string reminderName) =>
        ReadRow(grainId, reminderName, CancellationToken.None);

    Task<string?> IReminderTable.UpsertRow(ReminderEntry entry) => UpsertRow(entry, CancellationToken.None);

    Task<bool> IReminderTable.RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        RemoveRow(grainId, reminderName, eTag, CancellationToken.None);

    Task IReminderTable.TestOnlyClearTable() => TestOnlyClearTable(CancellationToken.None);

    /// <summary>
    /// Partitions of the hashes above <paramref name="begin"/> (null: from zero) up to <paramref name="end"/>. A service whose id starts with
    /// ours and an underscore may have partitions among them: the rows' own ServiceId tells.
    /// </summary>
    private KeyRange Range(uint? begin, uint end) => new(
        ReminderRow.Partition(serviceId, begin ?? 0), begin is null, ReminderRow.Partition(serviceId, end), UpperInclusive: true);

    private Task<List<ReminderEntry>> ReadRangeAsync(uint? begin, uint end, CancellationToken cancellationToken) =>
        begin == end
            ? Task.FromResult(new List<ReminderEntry>())
            : ReadAsync(store.ReadPartitionsAsync(ReminderRow.Table, Range(begin, end), cancellationToken));

    private async Task<List<ReminderEntry>> ReadAsync(IAsyncEnumerable<TableRow> rows)
    {
        var entries = new List<ReminderEntry>();
        await foreach (var row in rows.ConfigureAwait(false))
        {
            if (ReminderRow.IsOf(serviceId, row) && TryParse(row) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    private ReminderEntry? TryParse(TableRow row)
    {
        try
        {
            return ReminderRow.Parse(row);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            LogUnreadableReminder(e, row.Partition, row.Row);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The reminder {Partition} {Row} is not readable; it will not fire.")]
    private partial void LogUnreadableReminder(Exception exception, string partition, string row);
}
