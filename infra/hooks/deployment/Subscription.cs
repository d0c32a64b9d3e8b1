using System.Globalization;
using System.Net;
using System.Text.Json;

namespace MailGrains.Deployment;

/// <summary>What Azure Resource Manager tells of a subscription. Null stands for "it did not tell", with the reason on the list.</summary>
public sealed class Subscription(AzureEndpoint resourceManager, string id)
{
    private const int MaxPages = 50;

    private static readonly JsonElement EmptyList = JsonSerializer.SerializeToElement(new { value = Array.Empty<string>() });

    private readonly List<string> _silences = [];

    /// <summary>Why something was not told, one line each.</summary>
    public IReadOnlyList<string> Silences => _silences;

    /// <returns>By which offer it got its quota, such as <c>PayAsYouGo_2014-09-01</c>, and its directory.</returns>
    public async Task<(string? QuotaId, string? TenantId)> DescribeAsync(CancellationToken cancellationToken)
    {
        var answer = await GetAsync($"/subscriptions/{id}?api-version=2022-12-01", cancellationToken);
        return (answer?.Member("subscriptionPolicies")?.Text("quotaId"), answer?.Text("tenantId"));
    }

    /// <summary><c>Registered</c>, <c>Registering</c>, <c>NotRegistered</c> or the like.</summary>
    public async Task<string?> ProviderStateAsync(string name, CancellationToken cancellationToken) =>
        (await GetAsync($"/subscriptions/{id}/providers/{name}?api-version=2021-04-01", cancellationToken))?.Text("registrationState");

    /// <returns>Whether it was taken on; it holds later.</returns>
    public async Task<bool> RegisterAsync(string name, CancellationToken cancellationToken) =>
        await AskAsync(path => resourceManager.PostAsync(path, cancellationToken), $"/subscriptions/{id}/providers/{name}/register?api-version=2021-04-01") is not null;

    /// <summary>Vaults that were deleted and can be had back.</summary>
    public async Task<IReadOnlyList<DeletedVault>?> DeletedVaultsAsync(CancellationToken cancellationToken) =>
        await ListAsync($"/subscriptions/{id}/providers/Microsoft.KeyVault/deletedVaults?{VaultRecovery.VaultVersion}", cancellationToken) is { } vaults
            ? [.. vaults.Select(vault => vault.Member("properties")).OfType<JsonElement>()
                .Where(vault => vault.Text("vaultId")?.Contains("/providers/", StringComparison.OrdinalIgnoreCase) == true && vault.Text("location") is not null)
                .Select(vault => new DeletedVault(vault.Text("vaultId")!, vault.Text("location")!, vault.Member("tags")?.Text("azd-env-name")))]
            : null;

    /// <returns>Null in <c>Size</c> alone: the region does not have it; <c>Told</c> false: it is not known.</returns>
    public async Task<(bool Told, MachineSize? Size)> MachineSizeAsync(string location, string name, CancellationToken cancellationToken)
    {
        var filter = Uri.EscapeDataString($"location eq '{location}'");
        var path = $"/subscriptions/{id}/providers/Microsoft.Compute/skus?api-version=2021-07-01&$filter={filter}";
        var sizes = await ListAsync(path, cancellationToken);
        var named = sizes is null ? null : Understand(path, () => sizes
            .Where(size => size.Text("resourceType") == "virtualMachines" && string.Equals(size.Text("name"), name, StringComparison.OrdinalIgnoreCase))
            .Select(size => ReadSize(size, location))
            .ToArray());
        return (named is not null, named?.FirstOrDefault());
    }

    /// <summary>By family; <c>cores</c> stands for all of the region.</summary>
    public async Task<IReadOnlyDictionary<string, Quota>> QuotasAsync(string location, CancellationToken cancellationToken)
    {
        var path = $"/subscriptions/{id}/providers/Microsoft.Compute/locations/{location}/usages?api-version=2024-07-01";
        var usages = await ListAsync(path, cancellationToken) ?? [];
        return Understand(path, () => usages
            .Where(usage => usage.Member("name")?.Text("value") is not null)
            .ToDictionary(
                usage => usage.GetProperty("name").Text("value")!,
                usage => new Quota(usage.GetProperty("currentValue").GetInt64(), usage.GetProperty("limit").GetInt64()),
                StringComparer.OrdinalIgnoreCase)) ?? [];
    }

    /// <summary>A group's resources of one type, such as <c>Microsoft.Storage/storageAccounts</c>; none where there is no such group.</summary>
    public Task<IReadOnlyList<JsonElement>?> ResourcesAsync(string resourceGroup, string type, string apiVersion, CancellationToken cancellationToken) => ListAsync(
        $"/subscriptions/{id}/resourceGroups/{resourceGroup}/providers/{type}?api-version={apiVersion}", cancellationToken, absentIsEmpty: true);

    private static MachineSize ReadSize(JsonElement size, string location)
    {
        var capabilities = size.Items("capabilities").ToLookup(c => c.Text("name"), c => c.Text("value"));
        var restrictions = size.Items("restrictions").ToArray();
        var zones = size.Items("locationInfo")
            .Where(info => string.Equals(info.Text("location"), location, StringComparison.OrdinalIgnoreCase))
            .SelectMany(info => info.Items("zones").Select(zone => zone.GetString()!));
        var refusedZones = restrictions
            .Where(restriction => restriction.Text("type") == "Zone" && restriction.TryGetProperty("restrictionInfo", out _))
            .SelectMany(restriction => restriction.GetProperty("restrictionInfo").Items("zones").Select(zone => zone.GetString()!));
        return new MachineSize(
            size.Text("name")!,
            size.Text("family") ?? "",
            int.Parse(capabilities["vCPUs"].First()!, CultureInfo.InvariantCulture),
            zones.Except(refusedZones).ToHashSet(),
            restrictions.Any(restriction => restriction.Text("type") == "Location"),
            capabilities["EphemeralOSDiskSupported"].FirstOrDefault() == "True");
    }

    private async Task<IReadOnlyList<JsonElement>?> ListAsync(string path, CancellationToken cancellationToken, bool absentIsEmpty = false)
    {
        List<JsonElement> items = [];
        var next = path;
        for (var page = 0; page < MaxPages; page++)
        {
            if (await GetAsync(next, cancellationToken, absentIsEmpty) is not { } body)
            {
                return null;
            }

            if (Understand(path, () => body.GetProperty("value").EnumerateArray().ToArray()) is not { } some)
            {
                return null;
            }

            items.AddRange(some);
            if (body.Text("nextLink") is not { Length: > 0 } link)
            {
                return items;
            }

            // Only the path is followed: a token goes to the endpoint that it is for.
            next = Understand(path, () => new Uri(link).PathAndQuery);
            if (next is null)
            {
                return null;
            }
        }

        _silences.Add($"{path.Split('?')[0]}: a list of more than {MaxPages} pages");
        return null;
    }

    /// <summary>An answer that is not as it is documented tells no more than none.</summary>
    private T? Understand<T>(string path, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception odd) when (odd is KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or ArgumentException)
        {
            _silences.Add($"{path.Split('?')[0]}: an answer that is not understood ({odd.Message})");
            return null;
        }
    }

    private Task<JsonElement?> GetAsync(string path, CancellationToken cancellationToken, bool absentIsEmpty = false) =>
        AskAsync(whole => resourceManager.GetAsync(whole, cancellationToken), path, absentIsEmpty);

    private async Task<JsonElement?> AskAsync(Func<string, Task<AzureAnswer>> ask, string path, bool absentIsEmpty = false)
    {
        try
        {
            var answer = await ask(path);
            if (answer.Body.ValueKind == JsonValueKind.Object && (answer.Status == HttpStatusCode.OK || (absentIsEmpty && answer.Status == HttpStatusCode.NotFound)))
            {
                return answer.Status == HttpStatusCode.OK ? answer.Body : EmptyList;
            }

            _silences.Add($"{path.Split('?')[0]}: {(int)answer.Status} {answer.ErrorCode}".TrimEnd());
        }
        catch (HttpRequestException failure)
        {
            _silences.Add($"{path.Split('?')[0]}: {failure.Message}");
        }

        return null;
    }
}
