using System.Net;

namespace MailGrains.Deployment;

/// <summary>What the variables alone tell.</summary>
public static class SettingsCheck
{
    public static IEnumerable<Finding> Judge(AzdVariables variables)
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

        foreach (var name in new[] { "MAILGRAINS_HOST_NAME", "MAILGRAINS_EGRESS_PTR" })
        {
            if (variables[name]?.EndsWith('.') == true)
            {
                yield return new Finding(Weight.Failure, $"{name} is \"{variables[name]}\": set it without the dot at its end.");
            }
        }

        if (variables["MAILGRAINS_HARDENED"] == "true" && variables["MAILGRAINS_OPERATOR_IP_RANGES"] is null)
        {
            yield return new Finding(
                Weight.Warning, "MAILGRAINS_HARDENED without MAILGRAINS_OPERATOR_IP_RANGES: the cluster's API and the vault answer to any address.");
        }

        if (variables["MAILGRAINS_SMART_HOST"] is null && variables["MAILGRAINS_SMART_HOST_USER"] is not null)
        {
            yield return new Finding(Weight.Warning, "MAILGRAINS_SMART_HOST_USER without MAILGRAINS_SMART_HOST: it is not used.");
        }
    }

    /// <param name="wanted">How many accounts mail is to be spread over.</param>
    /// <param name="deployed">In how many it lies; null: not known.</param>
    public static Finding? JudgeShards(int wanted, int? deployed) => deployed > wanted

        // The accounts would stay, but the service would no longer know of them: whoever has a mailbox there would be without it.
        ? new Finding(
            Weight.Failure,
            $"MAILGRAINS_STORAGE_SHARD_COUNT is {wanted}, and mail lies in {deployed} accounts: it can only be raised. Set it to {deployed} or more.")
        : null;
}
