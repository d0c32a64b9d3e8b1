using System.Globalization;
using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// The rows of the table <c>OrleansReminders</c>, as Orleans' own Azure Storage provider lays them out: one partition a hash of grains,
/// <c>{service id}_{hash as eight hex digits}</c>, so that a range of the ring is a range of partitions; the row key is
/// <c>{grain id}-{reminder}</c>. Both are sanitised, so two reminders of one grain whose names differ in <c>/ \ # ? _</c> alone share a
/// row: reminder names are constants of ours, and none may.
/// </summary>
internal static class ReminderRow
{
    public const string Table = "OrleansReminders";

    public static string Partition(string serviceId, uint hash) =>
        OrleansTableKey.Sanitize(string.Create(CultureInfo.InvariantCulture, $"{serviceId}_{hash:X8}"));

    public static string Key(GrainId grain, string reminder) => OrleansTableKey.Sanitize($"{grain}-{reminder}");

    /// <summary>The keys of a grain's rows, and perhaps those of a grain whose id goes on where this one ends.</summary>
    public static KeyRange KeysOf(GrainId grain) => KeyRange.Prefix(OrleansTableKey.Sanitize($"{grain}-"));

    public static Dictionary<string, TableValue> Of(string serviceId, string clusterId, ReminderEntry entry) => new()
    {
        ["ServiceId"] = serviceId,
        ["DeploymentId"] = clusterId,
        ["GrainReference"] = entry.GrainId.ToString(),
        ["ReminderName"] = entry.ReminderName,
        ["StartAt"] = LogFormatter.PrintDate(entry.StartAt),
        ["Period"] = entry.Period.ToString(),
        ["GrainRefConsistentHash"] = entry.GrainId.GetUniformHashCode().ToString("X8", CultureInfo.InvariantCulture),
    };

    public static bool IsOf(string serviceId, TableRow row) => row.Text("ServiceId") == serviceId;

    public static bool IsOfCluster(string clusterId, TableRow row) => row.Text("DeploymentId") == clusterId;

    /// <exception cref="FormatException">The row is none of ours.</exception>
    /// <exception cref="ArgumentException">Likewise.</exception>
    public static ReminderEntry Parse(TableRow row) => new()
    {
        GrainId = GrainId.Parse(Required(row, "GrainReference")),
        ReminderName = Required(row, "ReminderName"),
        StartAt = DateTime.SpecifyKind(LogFormatter.ParseDate(Required(row, "StartAt")), DateTimeKind.Utc),
        Period = TimeSpan.Parse(Required(row, "Period"), CultureInfo.InvariantCulture),
        ETag = row.ETag,
    };

    private static string Required(TableRow row, string property) =>
        row.Text(property) ?? throw new FormatException($"A reminder's row has no {property}.");
}
