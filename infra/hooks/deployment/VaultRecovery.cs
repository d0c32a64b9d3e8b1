using System.Net;

namespace MailGrains.Deployment;

/// <param name="Id">Where it was: <c>/subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/…</c>.</param>
/// <param name="Location">Its region.</param>
/// <param name="Environment">Which azd environment made it; null: none.</param>
public sealed record DeletedVault(string Id, string Location, string? Environment)
{
    public string Name => Id[(Id.LastIndexOf('/') + 1)..];

    /// <summary>The path of its resource group.</summary>
    public string Group => Id[..Id.IndexOf("/providers/", StringComparison.OrdinalIgnoreCase)];

    public bool IsOf(string environment, string resourceGroup, string location) =>
        Environment == environment &&
        Group.EndsWith($"/{resourceGroup}", StringComparison.OrdinalIgnoreCase) &&
        string.Equals(Location, location, StringComparison.OrdinalIgnoreCase);
}

/// <summary>
/// Brings back the vault of an environment that was deleted and is deployed again: it can't be purged, and its name is taken as long as it is deleted. A
/// recovery takes no other properties, so it comes before the deployment, which then finds a vault to change.
/// </summary>
/// <param name="resourceManager">Azure Resource Manager.</param>
/// <param name="time">For waits.</param>
/// <param name="report">Gets a line for what is done.</param>
public sealed class VaultRecovery(AzureEndpoint resourceManager, TimeProvider time, Action<string> report)
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public const string VaultVersion = "api-version=2024-11-01";

    private const string GroupVersion = "api-version=2021-04-01";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <param name="vault">Which one.</param>
    /// <param name="tenantId">Of the subscription.</param>
    /// <exception cref="HookException">It did not come back.</exception>
    public async Task<Finding> RecoverAsync(DeletedVault vault, string tenantId, CancellationToken cancellationToken)
    {
        report($"The vault {vault.Name} of this environment was deleted: it is brought back with its keys and secrets.");
        try
        {
            // As the template makes both.
            var tags = new Dictionary<string, string> { ["azd-env-name"] = vault.Environment! };
            await EnsureGroupAsync(vault, tags, cancellationToken);
            var properties = new { tenantId, sku = new { family = "A", name = "standard" }, createMode = "recover" };
            var answer = await resourceManager.PutAsync($"{vault.Id}?{VaultVersion}", new { location = vault.Location, tags, properties }, cancellationToken);
            if (answer.Status is not (HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.Accepted))
            {
                throw Failed(vault, answer);
            }

            await WaitAsync(vault, cancellationToken);
            return new Finding(Weight.Good, $"The vault {vault.Name} was brought back with its keys and secrets.");
        }
        catch (HttpRequestException failure)
        {
            throw new HookException($"The vault {vault.Name} could not be brought back: {failure.Message}");
        }
    }

    private async Task EnsureGroupAsync(DeletedVault vault, Dictionary<string, string> tags, CancellationToken cancellationToken)
    {
        var found = await resourceManager.GetAsync($"{vault.Group}?{GroupVersion}", cancellationToken);
        if (found.Status == HttpStatusCode.OK)
        {
            return;
        }

        var made = await resourceManager.PutAsync($"{vault.Group}?{GroupVersion}", new { location = vault.Location, tags }, cancellationToken);
        if (made.Status is not (HttpStatusCode.OK or HttpStatusCode.Created))
        {
            throw made.Status == HttpStatusCode.Conflict
                ? new HookException($"{vault.Group} is still being deleted ({made.ErrorCode}). Run `azd up` again once it is gone.")
                : Failed(vault, made);
        }
    }

    private async Task WaitAsync(DeletedVault vault, CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow() + Patience;
        while (true)
        {
            var answer = await resourceManager.GetAsync($"{vault.Id}?{VaultVersion}", cancellationToken);
            if (answer.Status == HttpStatusCode.OK && answer.Body.Member("properties")?.Text("provisioningState") == "Succeeded")
            {
                return;
            }

            if (time.GetUtcNow() + Pause > until)
            {
                throw Failed(vault, answer);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private static HookException Failed(DeletedVault vault, AzureAnswer answer) => new(
        $"The vault {vault.Name} could not be brought back ({(int)answer.Status} {answer.ErrorCode}".TrimEnd() +
        $"). Its name stays taken until then: `az keyvault recover --name {vault.Name}`, then `azd up` again.");
}
