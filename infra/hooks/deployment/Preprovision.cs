using System.Text.RegularExpressions;
using Azure.Identity;

namespace MailGrains.Deployment;

/// <summary>Before anything is made: what would certainly fail stops it, what may go wrong is told.</summary>
public static partial class Preprovision
{
    /// <exception cref="HookException">Something is certain to fail.</exception>
    public static async Task RunAsync(Hook hook, CancellationToken cancellationToken)
    {
        List<Finding> findings = [.. SettingsCheck.Judge(hook.Variables)];
        if (findings.TrueForAll(finding => finding.Weight != Weight.Failure))
        {
            findings.AddRange(await AskAzureAsync(hook, cancellationToken));
        }

        foreach (var finding in findings)
        {
            await hook.Output.WriteLineAsync(finding.ToString());
        }

        if (findings.Exists(finding => finding.Weight == Weight.Failure))
        {
            throw new HookException("Nothing was deployed.");
        }
    }

    private static async Task<IReadOnlyList<Finding>> AskAzureAsync(Hook hook, CancellationToken cancellationToken)
    {
        var variables = hook.Variables;
        if (variables["AZURE_SUBSCRIPTION_ID"] is not { } id || variables["AZURE_LOCATION"] is not { } location)
        {
            return [new Finding(Weight.Warning, "Subscription and region are not chosen yet: neither quota nor port 25 was looked at. `azd up` chooses first.")];
        }

        var subscription = new Subscription(hook.ResourceManager(), id);
        try
        {
            var quotaId = await subscription.QuotaIdAsync(cancellationToken);
            return
            [
                SendingCheck.Judge(quotaId, variables["MAILGRAINS_SMART_HOST"], variables["MAILGRAINS_SMART_HOST_PORT"]),
                .. await JudgeAccountsAsync(variables, subscription, cancellationToken),
                .. await JudgeComputeAsync(variables, subscription, location, cancellationToken),
                .. subscription.Silences.Select(silence => new Finding(Weight.Warning, $"Azure did not tell: {silence}")),
            ];
        }
        catch (AuthenticationFailedException failure)
        {
            return [new Finding(Weight.Warning, $"Azure could not be asked, neither for quota nor about port 25: {failure.Message.Split('\n')[0].Trim()}")];
        }
    }

    private static async Task<IReadOnlyList<Finding>> JudgeAccountsAsync(AzdVariables variables, Subscription subscription, CancellationToken cancellationToken)
    {
        var accounts = await subscription.ResourcesAsync(ResourceGroup(variables), "Microsoft.Storage/storageAccounts", "2024-01-01", cancellationToken) ?? [];
        return
        [
            .. SettingsCheck.JudgeAccounts(
                variables.Number("MAILGRAINS_STORAGE_SHARD_COUNT", 1), ProfileOf(variables), [.. accounts.Where(account => MailAccount().IsMatch(account.Name))]),
        ];
    }

    /// <summary>It is one that there is: others were found before.</summary>
    private static Profile ProfileOf(AzdVariables variables) => Profile.Find(variables["MAILGRAINS_PROFILE"] ?? "dev")!;

    /// <summary>As the template names it.</summary>
    private static string ResourceGroup(AzdVariables variables) => $"rg-{variables.Required("AZURE_ENV_NAME")}";

    private static async Task<IReadOnlyList<Finding>> JudgeComputeAsync(
        AzdVariables variables, Subscription subscription, string location, CancellationToken cancellationToken)
    {
        var clusters = await subscription.ResourcesAsync(ResourceGroup(variables), "Microsoft.ContainerService/managedClusters", "2025-05-01", cancellationToken);
        var wanted = WantedNodes.Of(variables, ProfileOf(variables), deployed: clusters is null ? null : clusters.Count > 0);
        var (told, size) = await subscription.MachineSizeAsync(location, wanted.VmSize, cancellationToken);
        if (!told)
        {
            return [new Finding(Weight.Warning, $"Whether {location} has {wanted.VmSize} is not known.")];
        }

        var quotas = await subscription.QuotasAsync(location, cancellationToken);
        return [.. ComputeCheck.Judge(wanted, location, size, quotas.GetValueOrDefault(size?.Family ?? ""), quotas.GetValueOrDefault("cores"))];
    }

    // What the template makes of `storageShardCount`: a resource token, and the account's number.
    [GeneratedRegex("^st[a-z0-9]{13}m[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex MailAccount();
}
