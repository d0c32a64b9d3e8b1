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

    /// <summary>What mail's accounts forbid.</summary>
    /// <param name="wantedShards">Over how many accounts mail is to be spread.</param>
    /// <param name="profile">What the deployment is to be.</param>
    /// <param name="accounts">Mail's accounts as they are.</param>
    public static IEnumerable<Finding> JudgeAccounts(int wantedShards, Profile profile, IReadOnlyCollection<DeployedResource> accounts)
    {
        if (wantedShards < accounts.Count)
        {
            // The accounts would stay, but the service would no longer know of them: whoever has a mailbox there would be without it.
            yield return new Finding(
                Weight.Failure,
                $"MAILGRAINS_STORAGE_SHARD_COUNT is {wantedShards}, and mail lies in {accounts.Count} accounts: it can only be raised. Set it to {accounts.Count} or more.");
        }

        if (accounts.FirstOrDefault(account => account.Sku is not null && account.Sku != profile.StorageSku) is { } other)
        {
            yield return new Finding(
                Weight.Failure,
                $"The account {other.Name} is {other.Sku}, and this profile wants {profile.StorageSku}: a deployment keeps the profile that it was made with. Set MAILGRAINS_PROFILE back, or make another environment.");
        }
    }
}
