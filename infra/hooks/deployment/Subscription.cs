using System.Globalization;
using System.Net;
using System.Text.Json;

namespace MailGrains.Deployment;

/// <param name="Name">Without its group.</param>
/// <param name="Sku">Such as <c>Standard_LRS</c>; null: it has none.</param>
public sealed record DeployedResource(string Name, string? Sku);

/// <summary>What Azure Resource Manager tells of a subscription. Null stands for "it did not tell", with the reason on the list.</summary>
public sealed class Subscription(AzureEndpoint resourceManager, string id)
{
    private const int MaxPages = 50;

    private readonly List<string> _silences = [];

    /// <summary>Why something was not told, one line each.</summary>
    public IReadOnlyList<string> Silences => _silences;

    /// <summary>By which offer it got its quota, such as <c>PayAsYouGo_2014-09-01</c>.</summary>
    public async Task<string?> QuotaIdAsync(CancellationToken cancellationToken)
    {
        var answer = await GetAsync($"/subscriptions/{id}?api-version=2022-12-01", cancellationToken);
        return answer is { } body && body.TryGetProperty("subscriptionPolicies", out var policies) && policies.TryGetProperty("quotaId", out var quota)
            ? quota.GetString()
            : null;
    }

    /// <returns>Null in <c>Size</c> alone: the region does not have it; <c>Told</c> false: it is not known.</returns>
    public async Task<(bool Told, MachineSize? Size)> MachineSizeAsync(string location, string name, CancellationToken cancellationToken)
    {
        var filter = Uri.EscapeDataString($"location eq '{location}'");
        var sizes = await ListAsync($"/subscriptions/{id}/providers/Microsoft.Compute/skus?api-version=2021-07-01&$filter={filter}", cancellationToken);
        return sizes is null
            ? (false, null)
            : (true, sizes
                .Where(size => Text(size, "resourceType") == "virtualMachines" && string.Equals(Text(size, "name"), name, StringComparison.OrdinalIgnoreCase))
                .Select(size => ReadSize(size, location))
                .FirstOrDefault());
    }

    /// <summary>By family; <c>cores</c> stands for all of the region.</summary>
    public async Task<IReadOnlyDictionary<string, Quota>> QuotasAsync(string location, CancellationToken cancellationToken)
    {
        var usages = await ListAsync(
            $"/subscriptions/{id}/providers/Microsoft.Compute/locations/{location}/usages?api-version=2024-07-01", cancellationToken) ?? [];
        return usages
            .Where(usage => usage.TryGetProperty("name", out var name) && Text(name, "value") is not null)
            .ToDictionary(
                usage => Text(usage.GetProperty("name"), "value")!,
                usage => new Quota(usage.GetProperty("currentValue").GetInt64(), usage.GetProperty("limit").GetInt64()),
                StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>A group's resources of one type, such as <c>Microsoft.Storage/storageAccounts</c>; none where there is no such group.</summary>
    public async Task<IReadOnlyList<DeployedResource>?> ResourcesAsync(string resourceGroup, string type, string apiVersion, CancellationToken cancellationToken)
    {
        var resources = await ListAsync(
            $"/subscriptions/{id}/resourceGroups/{resourceGroup}/providers/{type}?api-version={apiVersion}", cancellationToken, absentIsEmpty: true);
        return resources is null
            ? null
            : [.. resources.Select(resource => new DeployedResource(
                Text(resource, "name") ?? "", resource.TryGetProperty("sku", out var sku) ? Text(sku, "name") : null))];
    }

    private static MachineSize ReadSize(JsonElement size, string location)
    {
        var capabilities = Items(size, "capabilities").ToLookup(c => Text(c, "name"), c => Text(c, "value"));
        var restrictions = Items(size, "restrictions").ToArray();
        var zones = Items(size, "locationInfo")
            .Where(info => string.Equals(Text(info, "location"), location, StringComparison.OrdinalIgnoreCase))
            .SelectMany(info => Items(info, "zones").Select(zone => zone.GetString()!));
        var refusedZones = restrictions
            .Where(restriction => Text(restriction, "type") == "Zone" && restriction.TryGetProperty("restrictionInfo", out _))
            .SelectMany(restriction => Items(restriction.GetProperty("restrictionInfo"), "zones").Select(zone => zone.GetString()!));
        return new MachineSize(
            Text(size, "name")!,
            Text(size, "family") ?? "",
            int.Parse(capabilities["vCPUs"].FirstOrDefault() ?? "0", CultureInfo.InvariantCulture),
            zones.Except(refusedZones).ToHashSet(),
            restrictions.Any(restriction => Text(restriction, "type") == "Location"),
            capabilities["EphemeralOSDiskSupported"].FirstOrDefault() == "True");
    }

    private async Task<IReadOnlyList<JsonElement>?> ListAsync(string path, CancellationToken cancellationToken, bool absentIsEmpty = false)
    {
        List<JsonElement> items = [];
        var next = path;
        for (var page = 0; page < MaxPages && next is not null; page++)
        {
            if (await GetAsync(next, cancellationToken, absentIsEmpty) is not { } body)
            {
                return null;
            }

            items.AddRange(Items(body, "value"));
            // Only the path is followed: a token goes to the endpoint that it is for.
            next = Text(body, "nextLink") is { } link ? new Uri(link).PathAndQuery : null;
        }

        return items;
    }

    private async Task<JsonElement?> GetAsync(string path, CancellationToken cancellationToken, bool absentIsEmpty = false)
    {
        try
        {
            var answer = await resourceManager.GetAsync(path, cancellationToken);
            if (answer.Body.ValueKind == JsonValueKind.Object && (answer.Status == HttpStatusCode.OK || (absentIsEmpty && answer.Status == HttpStatusCode.NotFound)))
            {
                return answer.Body;
            }

            _silences.Add($"{path.Split('?')[0]}: {(int)answer.Status} {answer.ErrorCode}".TrimEnd());
        }
        catch (HttpRequestException failure)
        {
            _silences.Add($"{path.Split('?')[0]}: {failure.Message}");
        }

        return null;
    }

    private static JsonElement[] Items(JsonElement element, string name) =>
        element.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? [.. items.EnumerateArray()] : [];

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
