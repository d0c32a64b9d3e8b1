using System.Net;

namespace MailGrains.Deployment;

/// <summary>What the variables alone tell.</summary>
public static class SettingsCheck
{
    public static IEnumerable<Finding> Judge(AzdVariables variables) =>
    [
        .. JudgeChoices(variables), .. JudgeNames(variables), .. JudgeSmartHost(variables), .. JudgeAuthority(variables), .. JudgePods(variables),
        .. JudgeHalves(variables),
    ];

    /// <param name="wanted">How many accounts mail is to be spread over.</param>
    /// <param name="deployed">In how many it lies; null: not known.</param>
    public static Finding? JudgeShards(int wanted, int? deployed) => deployed > wanted

        // The accounts would stay, but the service would no longer know of them: whoever has a mailbox there would be without it.
        ? new Finding(
            Weight.Failure,
            $"MAILGRAINS_STORAGE_SHARD_COUNT is {wanted}, and mail lies in {deployed} accounts: it can only be raised. Set it to {deployed} or more.")
        : null;

    private static IEnumerable<Finding> JudgeChoices(AzdVariables variables)
    {
        var profile = variables["MAILGRAINS_PROFILE"] ?? "dev";
        if (Profile.Find(profile) is null)
        {
            yield return new Finding(
                Weight.Failure, $"MAILGRAINS_PROFILE is \"{profile}\"; there are {string.Join(" and ", Profile.Names)}.");
        }

        if (variables.List("MAILGRAINS_OPERATOR_IP_RANGES").FirstOrDefault(range => !IPNetwork.TryParse(range, out _)) is { } wrong)
        {
            yield return new Finding(
                Weight.Failure, $"MAILGRAINS_OPERATOR_IP_RANGES has \"{wrong}\", which is not a range such as 192.0.2.0/24 or 192.0.2.7/32.");
        }
    }

    private static IEnumerable<Finding> JudgeNames(AzdVariables variables)
    {
        foreach (var name in new[] { "MAILGRAINS_HOST_NAME", "MAILGRAINS_EGRESS_PTR" })
        {
            if (variables[name]?.EndsWith('.') == true)
            {
                yield return new Finding(Weight.Failure, $"{name} is \"{variables[name]}\": set it without the dot at its end.");
            }
            else if (variables[name] is { } value && !SettingForms.IsHostName(value))
            {
                yield return new Finding(
                    Weight.Failure, $"{name} is \"{value}\", which is no host name such as mail.example.com (other letters than ASCII's in their form xn--…).");
            }
        }

        if (variables["MAILGRAINS_DATA_KEY_NAME"] is { } key && !SettingForms.IsKeyName(key))
        {
            yield return new Finding(
                Weight.Failure, $"MAILGRAINS_DATA_KEY_NAME is \"{key}\", which is no name of a vault's key: letters, digits and hyphens, 127 at most.");
        }
    }

    private static IEnumerable<Finding> JudgeSmartHost(AzdVariables variables)
    {
        const string portName = "MAILGRAINS_SMART_HOST_PORT";
        if (variables["MAILGRAINS_SMART_HOST"] is { } host && !SettingForms.IsHostName(host) && !SettingForms.IsAddress(host))
        {
            yield return new Finding(
                Weight.Failure,
                $"MAILGRAINS_SMART_HOST is \"{host}\", which is neither a host name such as smtp.example.org, without a dot at its end, nor an IPv4 address. Its port is {portName}.");
        }

        if (variables[portName] is { } port && !SettingForms.IsPort(port))
        {
            yield return new Finding(Weight.Failure, $"{portName} is \"{port}\", which is no port: a number from 1 to 65535.");
        }
    }

    private static IEnumerable<Finding> JudgeAuthority(AzdVariables variables)
    {
        // As the template reads it.
        if (variables["MAILGRAINS_ACME_DIRECTORY"] is { } directory && !string.Equals(directory, "none", StringComparison.OrdinalIgnoreCase) &&
            !(Uri.TryCreate(directory, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps))
        {
            yield return new Finding(
                Weight.Failure, $"MAILGRAINS_ACME_DIRECTORY is \"{directory}\", which is neither the https address of an authority's directory nor none.");
        }

        if (variables["MAILGRAINS_ACME_CONTACT"] is { } contact && !SettingForms.IsMailAddress(contact))
        {
            yield return new Finding(Weight.Failure, $"MAILGRAINS_ACME_CONTACT is \"{contact}\", which is no plain mail address such as ann@example.com, without mailto:.");
        }
    }

    private static IEnumerable<Finding> JudgePods(AzdVariables variables)
    {
        if (variables["MAILGRAINS_CPU_REQUEST"] is { } cpu && !SettingForms.IsCpu(cpu))
        {
            yield return new Finding(
                Weight.Failure, $"MAILGRAINS_CPU_REQUEST is \"{cpu}\", which is no share of processors such as 500m (half of one) or 2, up to 64.");
        }

        const string request = "MAILGRAINS_MEMORY_REQUEST";
        const string limit = "MAILGRAINS_MEMORY_LIMIT";
        foreach (var name in new[] { request, limit })
        {
            if (variables[name] is { } memory && SettingForms.Memory(memory) is null)
            {
                yield return new Finding(Weight.Failure, $"{name} is \"{memory}\", which is no memory with its unit such as 512Mi or 2Gi.");
            }
        }

        // What is not set is the profile's.
        var profile = Profile.Find(variables["MAILGRAINS_PROFILE"] ?? "dev");
        var (asked, most) = (variables[request] ?? profile?.MemoryRequest ?? "", variables[limit] ?? profile?.MemoryLimit ?? "");
        if (SettingForms.Memory(asked) > SettingForms.Memory(most))
        {
            yield return new Finding(Weight.Failure, $"{request} is {asked}, and {limit} {most}: a pod can't ask for more than it may have. Set both.");
        }
    }

    private static IEnumerable<Finding> JudgeHalves(AzdVariables variables)
    {
        if (variables.Flag("MAILGRAINS_HARDENED") && variables["MAILGRAINS_OPERATOR_IP_RANGES"] is null)
        {
            yield return new Finding(
                Weight.Warning, "MAILGRAINS_HARDENED without MAILGRAINS_OPERATOR_IP_RANGES: the cluster's API and the vault answer to any address.");
        }

        if (variables["MAILGRAINS_SMART_HOST"] is null && variables["MAILGRAINS_SMART_HOST_USER"] is not null)
        {
            yield return new Finding(Weight.Warning, "MAILGRAINS_SMART_HOST_USER without MAILGRAINS_SMART_HOST: it is not used.");
        }
    }
}
