using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// Orleans' membership table on an <see cref="ITableStore"/>; <see cref="SiloRow"/> says how the rows look.
/// <para>A change of membership is one transaction: the silo's row, the version row If-Match, both boundary rows. So changes are a chain,
/// and of those based on one version one wins; a lost race is <c>false</c>, and the runtime reads again. Whatever else goes wrong is thrown,
/// an unknown outcome included: the runtime repeats the attempt from a fresh read, where a change that did happen shows.</para>
/// <para>A heartbeat touches its silo's row alone. The row token that callers get is therefore the version row's ETag, not the
/// silo row's: a heartbeat between read and update must not make the update fail.</para>
/// </summary>
internal sealed partial class TableStoreMembershipTable(ITableStore store, string clusterId, ILogger logger) : IMembershipTable
{
    private const int MaxReads = 6;
    private const int MaxHeartbeatWrites = 10;

    public async Task InitializeMembershipTableAsync(bool tryInitTableVersion, CancellationToken cancellationToken = default)
    {
        var version = await store.ReadAsync(SiloRow.Table, clusterId, SiloRow.Version, cancellationToken).ConfigureAwait(false);
        if (version is null && tryInitTableVersion)
        {
            // A conflict means that another silo was first.
            await store.CommitAsync(
                SiloRow.Table,
                clusterId,
                [TableOperation.Insert(SiloRow.Version, SiloRow.OfVersion(clusterId, 0)), .. Boundaries(0)],
                cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task DeleteMembershipTableEntriesAsync(string clusterId, CancellationToken cancellationToken = default)
    {
        var rows = await store.ReadRowsAsync(SiloRow.Table, clusterId, KeyRange.All, cancellationToken)
            .ReadAllAsync(cancellationToken).ConfigureAwait(false);
        await store.DeleteUnchangedAsync(SiloRow.Table, clusterId, rows, cancellationToken).ConfigureAwait(false);
    }

    public async Task CleanupDefunctSiloEntriesAsync(DateTimeOffset beforeDate, CancellationToken cancellationToken = default)
    {
        var rows = await store.ReadRowsAsync(SiloRow.Table, clusterId, KeyRange.All, cancellationToken)
            .ReadAllAsync(cancellationToken).ConfigureAwait(false);
        var defunct = rows.Where(row => SiloRow.IsSilo(row.Row) && TryParse(row) is { Status: SiloStatus.Dead } entry &&
            LastSignOfLife(entry) < beforeDate.UtcDateTime);
        await store.DeleteUnchangedAsync(SiloRow.Table, clusterId, defunct, cancellationToken).ConfigureAwait(false);
    }

    public async Task<MembershipTableData> ReadRowAsync(SiloAddress key, CancellationToken cancellationToken = default)
    {
        var all = await ReadAllAsync(cancellationToken).ConfigureAwait(false);
        return all.TryGet(key) is { } member ? new MembershipTableData(member, all.Version) : new MembershipTableData(all.Version);
    }

    public async Task<MembershipTableData> ReadAllAsync(CancellationToken cancellationToken = default)
    {
        for (var read = 1; read <= MaxReads; read++)
        {
            var rows = await store.ReadRowsAsync(SiloRow.Table, clusterId, KeyRange.All, cancellationToken)
                .ReadAllAsync(cancellationToken).ConfigureAwait(false);
            var version = rows.Find(row => row.Row == SiloRow.Version) ?? throw new StoreException(
                StoreFailure.Unreadable, $"The membership table has no version row for cluster '{clusterId}'.");
            if (IsOneVersion(rows, version))
            {
                return Snapshot(rows, version);
            }
        }

        throw new InconsistentStateException($"The membership table changed during each of {MaxReads} reads.");
    }

    public async Task<bool> InsertRowAsync(MembershipEntry entry, TableVersion tableVersion, CancellationToken cancellationToken = default)
    {
        var insert = TableOperation.Insert(SiloRow.Key(entry.SiloAddress), SiloRow.Of(clusterId, entry));
        return await ChangeAsync(insert, tableVersion, cancellationToken).ConfigureAwait(false);
    }

    public async Task<bool> UpdateRowAsync(
        MembershipEntry entry, string etag, TableVersion tableVersion, CancellationToken cancellationToken = default)
    {
        if (etag != tableVersion.VersionEtag)
        {
            return false;
        }

        // The row may have been written by a heartbeat since; the version row's ETag guards the rest.
        var replace = TableOperation.Replace(SiloRow.Key(entry.SiloAddress), SiloRow.Of(clusterId, entry), TableOperation.Any);
        return await ChangeAsync(replace, tableVersion, cancellationToken).ConfigureAwait(false);
    }

    public async Task UpdateIAmAliveAsync(MembershipEntry entry, CancellationToken cancellationToken = default)
    {
        var key = SiloRow.Key(entry.SiloAddress);
        for (var write = 1; write <= MaxHeartbeatWrites; write++)
        {
            var row = await store.ReadAsync(SiloRow.Table, clusterId, key, cancellationToken).ConfigureAwait(false)
                ?? throw new OrleansException($"The membership table has no row for silo {entry.SiloAddress}.");
            var alive = new Dictionary<string, TableValue>(row.Properties)
            {
                [SiloRow.IAmAliveTime] = LogFormatter.PrintDate(entry.IAmAliveTime),
            };

            // If-Match keeps a vote that another silo casts at this moment.
            var commit = await store.CommitAsync(
                SiloRow.Table, clusterId, [TableOperation.Replace(key, alive, row.ETag)], cancellationToken).ConfigureAwait(false);
            if (commit.Committed)
            {
                return;
            }
        }

        throw new StoreException(
            StoreFailure.Unavailable, $"The row of silo {entry.SiloAddress} changed during each of {MaxHeartbeatWrites} heartbeats.");
    }

    Task IMembershipTable.InitializeMembershipTable(bool tryInitTableVersion) => InitializeMembershipTableAsync(tryInitTableVersion);

    Task IMembershipTable.DeleteMembershipTableEntries(string clusterId) => DeleteMembershipTableEntriesAsync(clusterId);

    Task IMembershipTable.CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => CleanupDefunctSiloEntriesAsync(beforeDate);

    Task<MembershipTableData> IMembershipTable.ReadRow(SiloAddress key) => ReadRowAsync(key);

    Task<MembershipTableData> IMembershipTable.ReadAll() => ReadAllAsync();

    Task<bool> IMembershipTable.InsertRow(MembershipEntry entry, TableVersion tableVersion) => InsertRowAsync(entry, tableVersion);

    Task<bool> IMembershipTable.UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        UpdateRowAsync(entry, etag, tableVersion);

    Task IMembershipTable.UpdateIAmAlive(MembershipEntry entry) => UpdateIAmAliveAsync(entry);

    /// <summary>
    /// True where no change of membership fell between the pages. Without boundaries (rows of an Orleans release that knew none), or where
    /// such a release moved the version alone, the rows count as one version, as they did for that release.
    /// </summary>
    private static bool IsOneVersion(List<TableRow> rows, TableRow version)
    {
        if (rows.Find(row => row.Row == SiloRow.Start) is not { } start || rows.Find(row => row.Row == SiloRow.End) is not { } end)
        {
            return true;
        }

        var (first, last) = (SiloRow.ParseVersion(start), SiloRow.ParseVersion(end));
        return first == last || SiloRow.ParseVersion(version) > Math.Max(first, last);
    }

    private static DateTime LastSignOfLife(MembershipEntry entry)
    {
        var last = entry.StartTime > entry.IAmAliveTime ? entry.StartTime : entry.IAmAliveTime;
        foreach (var (_, time) in entry.SuspectTimes ?? [])
        {
            last = time > last ? time : last;
        }

        return last;
    }

    private MembershipTableData Snapshot(List<TableRow> rows, TableRow version)
    {
        var members = new List<Tuple<MembershipEntry, string>>(rows.Count);
        foreach (var row in rows)
        {
            if (SiloRow.IsSilo(row.Row) && TryParse(row) is { } entry)
            {
                members.Add(Tuple.Create(entry, version.ETag));
            }
        }

        return new MembershipTableData(members, new TableVersion(SiloRow.ParseVersion(version), version.ETag));
    }

    private MembershipEntry? TryParse(TableRow row)
    {
        try
        {
            return SiloRow.Parse(row);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            LogUnreadableSilo(e, clusterId, row.Row);
            return null;
        }
    }

    private async Task<bool> ChangeAsync(TableOperation silo, TableVersion version, CancellationToken cancellationToken)
    {
        var commit = await store.CommitAsync(
            SiloRow.Table,
            clusterId,
            [
                silo,
                TableOperation.Replace(SiloRow.Version, SiloRow.OfVersion(clusterId, version.Version), version.VersionEtag),
                .. Boundaries(version.Version),
            ],
            cancellationToken).ConfigureAwait(false);
        if (!commit.Committed)
        {
            LogLostRace(silo.Row, version.Version);
        }

        return commit.Committed;
    }

    private TableOperation[] Boundaries(int version) =>
    [
        TableOperation.Upsert(SiloRow.Start, SiloRow.OfBoundary(clusterId, version)),
        TableOperation.Upsert(SiloRow.End, SiloRow.OfBoundary(clusterId, version)),
    ];
}
