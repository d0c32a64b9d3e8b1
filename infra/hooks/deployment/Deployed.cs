using System.Text.Json;

namespace MailGrains.Deployment;

/// <param name="Name">The cluster's.</param>
/// <param name="Pool">Its pool of nodes that the template makes; null: it has been taken away.</param>
/// <param name="Entra">Whether it takes Entra's identities.</param>
public sealed record DeployedCluster(string Name, DeployedPool? Pool, bool Entra);

/// <summary>A pool of nodes. Null stands for "not told".</summary>
public sealed record DeployedPool(string? VmSize, IReadOnlyList<string> Zones, string? DiskType, int? DiskSizeGB, int? MaxPods);

/// <param name="Sku">Such as <c>Standard_LRS</c>; null: not told.</param>
public sealed record DeployedAccount(string Name, string? Sku);

/// <param name="Ip">Null: not told.</param>
public sealed record DeployedAddress(string Name, IReadOnlyList<string> Zones, string? Ip)
{
    /// <summary>As the template names it.</summary>
    public bool IsEgress => Name.EndsWith("-out", StringComparison.Ordinal);
}

/// <summary>What of an environment is there already; a list that is null was not told, one that is empty means that nothing is there.</summary>
public sealed record Deployed(
    IReadOnlyList<DeployedCluster>? Clusters, IReadOnlyList<DeployedAccount>? Accounts, IReadOnlyList<DeployedAddress>? Addresses)
{
    /// <summary>The address that mail leaves from; null: it is not there, or not told.</summary>
    public string? EgressIp => Addresses?.FirstOrDefault(address => address.IsEgress)?.Ip;

    public static async Task<Deployed> AskAsync(Subscription subscription, string resourceGroup, CancellationToken cancellationToken)
    {
        async Task<IReadOnlyList<T>?> ReadAsync<T>(string type, string apiVersion, Func<string, JsonElement, T> read) =>
            await subscription.ResourcesAsync(resourceGroup, type, apiVersion, cancellationToken) is { } resources
                ? [.. resources.Where(resource => resource.Text("name") is not null).Select(resource => read(resource.Text("name")!, resource))]
                : null;

        return new Deployed(
            await ReadAsync("Microsoft.ContainerService/managedClusters", "2025-05-01", ReadCluster),
            await ReadAsync("Microsoft.Storage/storageAccounts", "2024-01-01", (name, account) => new DeployedAccount(name, account.Member("sku")?.Text("name"))),
            await ReadAsync(
                "Microsoft.Network/publicIPAddresses",
                "2024-05-01",
                (name, address) => new DeployedAddress(name, address.Texts("zones"), address.Member("properties")?.Text("ipAddress"))));
    }

    private static DeployedCluster ReadCluster(string name, JsonElement cluster)
    {
        var properties = cluster.Member("properties");
        var pools = properties?.Items("agentPoolProfiles") ?? [];
        return new DeployedCluster(
            name,
            pools.Where(pool => pool.Text("name") == "mail").Select(pool => new DeployedPool(
                pool.Text("vmSize"), pool.Texts("availabilityZones"), pool.Text("osDiskType"), pool.Number("osDiskSizeGB"), pool.Number("maxPods"))).FirstOrDefault(),
            properties?.Member("aadProfile") is { ValueKind: JsonValueKind.Object });
    }
}
