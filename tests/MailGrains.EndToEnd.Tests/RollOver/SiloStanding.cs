using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>What the membership table says of one silo.</summary>
/// <param name="Silo"><c>address:port@generation</c>.</param>
/// <param name="Status">Of Orleans' <c>SiloStatus</c>.</param>
/// <param name="Voters">Who has said that it is dead; empty: nobody.</param>
internal sealed record SiloStanding(string Silo, string Status, string Voters)
{
    /// <summary>It has said itself that it leaves, and nobody has had to say it in its place.</summary>
    public bool HasLeft => Status == "Dead" && Voters == Silo;

    public static async Task<IReadOnlyList<SiloStanding>> ReadAsync(StorageAccounts accounts, CancellationToken cancellationToken, string cluster = "mailgrains")
    {
        var silos = new List<SiloStanding>();
        await foreach (var row in accounts.Cluster.ReadRowsAsync("OrleansSiloInstances", cluster, KeyRange.All, cancellationToken))
        {
            if (row.Properties.ContainsKey("SiloName"))
            {
                silos.Add(new SiloStanding($"{TextOf(row, "Address")}:{TextOf(row, "Port")}@{TextOf(row, "Generation")}", TextOf(row, "Status"), TextOf(row, "SuspectingSilos")));
            }
        }

        return silos;
    }

    private static string TextOf(TableRow row, string name) => row.Properties.TryGetValue(name, out var value) ? value.AsText ?? "" : "";
}
