using System.Globalization;
using System.Net;
using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// The rows of the table <c>OrleansSiloInstances</c>, as Orleans' own Azure Storage provider lays them out: one partition a cluster (the
/// cluster id), one row a silo, and three rows that carry the table's version. All values are text, numbers and dates included.
/// <list type="bullet">
/// <item><c>VersionRow</c>: the version; its ETag guards every change of membership.</item>
/// <item><c>!Start</c>, <c>~End</c>: the version again, in the keys before and after all others: a reader of several pages that
/// finds both alike has seen no half of a change. They say <c>Status=Active</c> so that older cleaners leave them alone.</item>
/// </list>
/// </summary>
internal static class SiloRow
{
    public const string Table = "OrleansSiloInstances";
    public const string Version = "VersionRow";
    public const string Start = "!Start";
    public const string End = "~End";

    public const string MembershipVersion = "MembershipVersion";
    public const string IAmAliveTime = "IAmAliveTime";
    private const char ListSeparator = '|';

    public static string Key(SiloAddress silo) => string.Create(
        CultureInfo.InvariantCulture, $"{silo.Endpoint.Address}-{silo.Endpoint.Port}-{silo.Generation}");

    public static bool IsSilo(string rowKey) => rowKey is not (Version or Start or End);

    public static Dictionary<string, TableValue> OfVersion(string clusterId, int version) => new()
    {
        ["DeploymentId"] = clusterId,
        [MembershipVersion] = Text(version),
    };

    public static Dictionary<string, TableValue> OfBoundary(string clusterId, int version)
    {
        var row = OfVersion(clusterId, version);
        row["Status"] = nameof(SiloStatus.Active);
        return row;
    }

    public static Dictionary<string, TableValue> Of(string clusterId, MembershipEntry entry)
    {
        var suspects = entry.SuspectTimes ?? [];
        var row = new Dictionary<string, TableValue>
        {
            ["DeploymentId"] = clusterId,
            ["Address"] = entry.SiloAddress.Endpoint.Address.ToString(),
            ["Port"] = Text(entry.SiloAddress.Endpoint.Port),
            ["Generation"] = Text(entry.SiloAddress.Generation),
            ["Status"] = entry.Status.ToString(),
            ["ProxyPort"] = Text(entry.ProxyPort),
            ["UpdateZone"] = Text(entry.UpdateZone),
            ["FaultZone"] = Text(entry.FaultZone),
            ["SuspectingSilos"] = string.Join(ListSeparator, suspects.Select(vote => vote.Item1.ToParsableString())),
            ["SuspectingTimes"] = string.Join(ListSeparator, suspects.Select(vote => LogFormatter.PrintDate(vote.Item2))),
            ["StartTime"] = LogFormatter.PrintDate(entry.StartTime),
            [IAmAliveTime] = LogFormatter.PrintDate(entry.IAmAliveTime),
        };
        AddIfAny(row, "HostName", entry.HostName);
        AddIfAny(row, "RoleName", entry.RoleName);
        AddIfAny(row, "SiloName", entry.SiloName);
        AddIfAny(row, "InstanceName", entry.SiloName);
        return row;
    }

    /// <exception cref="FormatException">The row is none of ours.</exception>
    /// <exception cref="ArgumentException">Likewise.</exception>
    public static MembershipEntry Parse(TableRow row)
    {
        var address = row.Text("Address") ?? throw new FormatException("A silo's row has no Address.");
        var entry = new MembershipEntry
        {
            SiloAddress = SiloAddress.New(IPAddress.Parse(address), Number(row, "Port"), Number(row, "Generation")),
            Status = Enum.Parse<SiloStatus>(row.Text("Status") ?? ""),
            ProxyPort = Number(row, "ProxyPort"),
            HostName = row.Text("HostName") ?? "",
            RoleName = row.Text("RoleName"),
            SiloName = row.Text("SiloName") is { Length: > 0 } name ? name : row.Text("InstanceName") ?? "",
            UpdateZone = Number(row, "UpdateZone"),
            FaultZone = Number(row, "FaultZone"),
            StartTime = Date(row.Text("StartTime")),
            IAmAliveTime = Date(row.Text(IAmAliveTime)),
        };

        var silos = List(row, "SuspectingSilos");
        var times = List(row, "SuspectingTimes");
        if (silos.Length != times.Length)
        {
            throw new FormatException($"A silo's row has {silos.Length} suspecting silos and {times.Length} suspecting times.");
        }

        for (var i = 0; i < silos.Length; i++)
        {
            entry.AddSuspector(SiloAddress.FromParsableString(silos[i]), Date(times[i]));
        }

        return entry;
    }

    public static int ParseVersion(TableRow row) =>
        int.Parse(row.Text(MembershipVersion) ?? "", NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(TableRow row, string property) => row.Text(property) is { Length: > 0 } text
        ? int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)
        : 0;

    private static DateTime Date(string? text) =>
        string.IsNullOrEmpty(text) ? default : DateTime.SpecifyKind(LogFormatter.ParseDate(text), DateTimeKind.Utc);

    private static string[] List(TableRow row, string property) =>
        row.Text(property) is { Length: > 0 } text ? text.Split(ListSeparator) : [];

    private static void AddIfAny(Dictionary<string, TableValue> row, string property, string? text)
    {
        if (text is not null)
        {
            row[property] = text;
        }
    }
}
