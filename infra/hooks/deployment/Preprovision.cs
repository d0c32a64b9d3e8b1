using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Azure.Identity;

namespace MailGrains.Deployment;

/// <summary>Before anything is made: what would certainly fail stops it, what may go wrong is told, what has to be done first is done.</summary>
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

        var resourceManager = hook.ResourceManager();
        var subscription = new Subscription(resourceManager, id);
        try
        {
            // First, since a subscription that does not know machines tells nothing of them either.
            var providers = await new ResourceProviders(subscription, TimeProvider.System, hook.Output.WriteLine).EnsureAsync(cancellationToken);
            List<Finding> findings = providers is null ? [] : [providers];
            if (providers?.Weight != Weight.Failure)
            {
                var (quotaId, tenantId) = await subscription.DescribeAsync(cancellationToken);
                findings.Add(SendingCheck.Judge(quotaId, variables["MAILGRAINS_SMART_HOST"], variables["MAILGRAINS_SMART_HOST_PORT"]));
                findings.AddRange(await JudgeChangesAsync(variables, subscription, location, cancellationToken));
                if (tenantId is not null && findings.TrueForAll(finding => finding.Weight != Weight.Failure) &&
                    await FindVaultAsync(variables, subscription, location, cancellationToken) is { } vault)
                {
                    findings.Add(await new VaultRecovery(resourceManager, TimeProvider.System, hook.Output.WriteLine).RecoverAsync(vault, tenantId, cancellationToken));
                }
            }

            return [.. findings, .. subscription.Silences.Select(silence => new Finding(Weight.Warning, $"Azure did not tell: {silence}"))];
        }
        catch (AuthenticationFailedException failure)
        {
            return [new Finding(Weight.Warning, $"Azure could not be asked, neither for quota nor about port 25: {failure.Message.Split('\n')[0].Trim()}")];
        }
    }

    /// <summary>What is there, against what is wanted.</summary>
    private static async Task<IReadOnlyList<Finding>> JudgeChangesAsync(
        AzdVariables variables, Subscription subscription, string location, CancellationToken cancellationToken)
    {
        var profile = Profile.Find(variables["MAILGRAINS_PROFILE"] ?? "dev")!;
        var deployed = await Deployed.AskAsync(subscription, ResourceGroup(variables), cancellationToken);
        var wanted = WantedNodes.Of(variables, profile, deployed: deployed.Clusters is null ? null : deployed.Clusters.Count > 0);
        Finding?[] single =
        [
            SettingsCheck.JudgeShards(
                variables.Number("MAILGRAINS_STORAGE_SHARD_COUNT", 1), deployed.Accounts?.Count(account => MailAccount().IsMatch(account.Name))),
            await JudgePointerAsync(variables["MAILGRAINS_EGRESS_PTR"], deployed.EgressIp, cancellationToken),
        ];
        return
        [
            .. single.OfType<Finding>(),
            .. FixedCheck.Judge(wanted, profile, variables.Flag("MAILGRAINS_HARDENED"), deployed),
            .. await JudgeComputeAsync(wanted, subscription, location, cancellationToken),
        ];
    }

    private static async Task<Finding?> JudgePointerAsync(string? name, string? address, CancellationToken cancellationToken)
    {
        IReadOnlyList<string>? leadsTo = null;
        if (name is not null && address is not null)
        {
            try
            {
                leadsTo = [.. (await Dns.GetHostAddressesAsync(name, AddressFamily.InterNetwork, cancellationToken)).Select(found => found.ToString())];
            }
            catch (SocketException)
            {
                // Not there, or nobody to ask.
            }
        }

        return PointerCheck.Judge(name, address, leadsTo);
    }

    private static async Task<DeletedVault?> FindVaultAsync(
        AzdVariables variables, Subscription subscription, string location, CancellationToken cancellationToken) =>
        (await subscription.DeletedVaultsAsync(cancellationToken))?
            .FirstOrDefault(vault => vault.IsOf(variables.Required("AZURE_ENV_NAME"), ResourceGroup(variables), location));

    /// <summary>As the template names it.</summary>
    private static string ResourceGroup(AzdVariables variables) => $"rg-{variables.Required("AZURE_ENV_NAME")}";

    private static async Task<IReadOnlyList<Finding>> JudgeComputeAsync(
        WantedNodes wanted, Subscription subscription, string location, CancellationToken cancellationToken)
    {
        var (told, size) = await subscription.MachineSizeAsync(location, wanted.VmSize, cancellationToken);
        if (!told)
        {
            return [new Finding(Weight.Warning, $"Whether {location} has {wanted.VmSize} is not known.")];
        }

        var quotas = await subscription.QuotasAsync(location, cancellationToken);
        return [.. ComputeCheck.Judge(wanted, location, size, quotas.GetValueOrDefault(size?.Family ?? ""), quotas.GetValueOrDefault("cores"))];
    }

    // What the template makes of `storageShardCount`: a resource token, and the account's number.
    [GeneratedRegex("^st[a-z0-9]{13}m[0-9]+$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex MailAccount();
}
