using System.Text.Json;

namespace MailGrains.Deployment;

/// <summary>
/// What a profile of <c>infra/profiles.json</c> says of what can't be changed later, of the nodes, and of a pod's memory; the template reads the same file.
/// </summary>
public sealed record Profile(
    string VmSize,
    string Zones,
    int MinNodes,
    int MaxNodes,
    bool EphemeralDisk,
    int DiskSizeGB,
    int MaxPods,
    string StorageSku,
    string MemoryRequest,
    string MemoryLimit)
{
    private static readonly Dictionary<string, Profile> All = Read();

    public static IReadOnlyCollection<string> Names => All.Keys;

    public static Profile? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>As the template does: where there are no zones, no data is kept in several.</summary>
    public string StorageSkuIn(IReadOnlyList<string> zones) => zones.Count == 0 ? "Standard_LRS" : StorageSku;

    private static Dictionary<string, Profile> Read()
    {
        using var stream = typeof(Profile).Assembly.GetManifestResourceStream("profiles.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, Profile>>(stream, JsonSerializerOptions.Web)!;
    }
}
