using System.Globalization;
using MailGrains.Contracts.Queues;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Queues;

/// <summary>
/// A row of the <see cref="QueueCatalog"/>, its key <c>{domain}:{shard}</c>: <c>f</c> format 1, <c>n</c> messages, <c>h</c> held, <c>p</c> in progress,
/// <c>o</c> oldest, <c>w</c> oldest that should have gone, <c>d</c> next attempt, <c>r</c> last reply, <c>t</c> when it was so. Where they are in force: <c>sb</c>, <c>sr</c>, <c>su</c> who
/// suspended it, why, until when; <c>rh</c>, <c>rp</c>, <c>rb</c>, <c>rr</c>, <c>ru</c> the operator's route (host, port) and who, why, until when. Times are
/// Unix milliseconds, 0 for none.
/// </summary>
internal static class CatalogRow
{
    private const string Prefix = "queues:";

    /// <summary>The partitions of all tenants.</summary>
    public static KeyRange Tenants { get; } = KeyRange.Prefix(Prefix);

    public static string PartitionOf(string tenant) => Prefix + TableKey.Encode(tenant);

    public static string RowOf(QueueId queue) => string.Create(CultureInfo.InvariantCulture, $"{TableKey.Encode(queue.Domain)}:{queue.Shard}");

    /// <summary>All shards of a domain.</summary>
    public static KeyRange RangeOf(string domain) => KeyRange.Prefix($"{TableKey.Encode(domain)}:");

    public static RowProperties Encode(QueueOverview overview)
    {
        List<KeyValuePair<string, TableValue>> row =
        [
            new("f", 1L), new("n", (long)overview.Messages), new("h", (long)overview.Held), new("p", (long)overview.InProgress),
            new("o", Milliseconds(overview.Oldest)), new("w", Milliseconds(overview.OldestPending)), new("d", Milliseconds(overview.NextAttempt)), new("r", overview.LastReply ?? ""),
            new("t", Milliseconds(overview.AsOf)),
        ];
        if (overview.Suspended is { } suspended)
        {
            Add('s', suspended);
        }

        if (overview.Route is { } route)
        {
            row.AddRange([new("rh", route.Host), new("rp", (long)route.Port)]);
            Add('r', route.Mark);
        }

        return new RowProperties([.. row]);

        void Add(char of, QueueMark mark) => row.AddRange([new($"{of}b", mark.By), new($"{of}r", mark.Reason), new($"{of}u", Milliseconds(mark.Until))]);
    }

    /// <summary>Null for a row that says nothing (any more), or that a later release wrote.</summary>
    public static QueueOverview? Decode(TableRow row, int account, DateTimeOffset now)
    {
        var colon = row.Row.LastIndexOf(':');
        if (row.Number("f") != 1 || colon < 0 || !int.TryParse(row.Row.AsSpan(colon + 1), CultureInfo.InvariantCulture, out var shard) ||
            !TableKey.TryDecode(row.Row[..colon], out var domain) || !TableKey.TryDecode(row.Partition[Prefix.Length..], out var tenant))
        {
            return null;
        }

        var overview = new QueueOverview(
            new QueueId(tenant, account, domain, shard), Int32(row, "n"), Int32(row, "h"), Int32(row, "p"), Time(row, "o"), Time(row, "d"),
            row.Text("r") is { Length: > 0 } reply ? reply : null)
        {
            Suspended = Mark(row, 's', now),
            Route = row.Text("rh") is { } host && Mark(row, 'r', now) is { } mark ? new QueueRoute(host, Int32(row, "rp"), mark) : null,
            AsOf = Time(row, "t") ?? DateTimeOffset.UnixEpoch,
            OldestPending = Time(row, "w"),
        };
        return overview is { Messages: 0, Suspended: null, Route: null } ? null : overview;
    }

    private static QueueMark? Mark(TableRow row, char of, DateTimeOffset now)
    {
        var until = Time(row, $"{of}u");
        return row.Text($"{of}b") is { } by && !(until <= now) ? new QueueMark(by, row.Text($"{of}r") ?? "", until) : null;
    }

    private static long Milliseconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() ?? 0;

    private static int Int32(TableRow row, string property) => (int)(row.Number(property) ?? 0);

    private static DateTimeOffset? Time(TableRow row, string property) =>
        row.Number(property) is > 0 and var at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null;
}
