namespace MailGrains.Deployment;

/// <summary>What is decided once, by the first deployment: Azure refuses to change it, and a deployment that tries stops half-way.</summary>
public static class FixedCheck
{
    private const string Anew = "make a new environment (`azd env new`)";

    /// <param name="hardened">Whether the cluster is to take Entra's identities only.</param>
    public static IEnumerable<Finding> Judge(WantedNodes wanted, Profile profile, bool hardened, Deployed deployed)
    {
        foreach (var (name, pool, entra) in deployed.Clusters ?? [])
        {
            if (entra && !hardened)
            {
                yield return new Finding(
                    Weight.Failure, $"The cluster {name} takes Entra's identities, which can be turned on and not off again. Set MAILGRAINS_HARDENED to true, or {Anew}.");
            }

            foreach (var text in pool is null ? [] : JudgePool(wanted, profile, name, pool))
            {
                yield return new Finding(Weight.Failure, text);
            }
        }

        var sku = profile.StorageSkuIn(wanted.Zones);
        foreach (var account in deployed.Accounts?.Where(account => account.Sku is not null && account.Sku != sku) ?? [])
        {
            yield return new Finding(
                Weight.Failure,
                $"The account {account.Name} is {account.Sku}, and {sku} is wanted: how often mail is kept is fixed by the first deployment. Set MAILGRAINS_PROFILE and MAILGRAINS_ZONES back, or {Anew}.");
        }

        // Without zones Azure may tell any.
        foreach (var address in wanted.Zones.Count == 0 ? [] : deployed.Addresses?.Where(address => !IsSame(address.Zones, ["1", "2", "3"])) ?? [])
        {
            yield return new Finding(
                Weight.Failure,
                $"The address {address.Name} is in {ZonesText(address.Zones)}, and all three are wanted: an address stays where it is. Set MAILGRAINS_ZONES back, or {Anew}.");
        }
    }

    private static IEnumerable<string> JudgePool(WantedNodes wanted, Profile profile, string cluster, DeployedPool pool)
    {
        if (pool.VmSize is not null && !string.Equals(pool.VmSize, wanted.VmSize, StringComparison.OrdinalIgnoreCase))
        {
            yield return $"The nodes of {cluster} are {pool.VmSize}, and {wanted.VmSize} is wanted: a pool of nodes keeps its size. Set MAILGRAINS_VM_SIZE to {pool.VmSize}, or change the pool " +
                $"by hand first: `az aks nodepool add --cluster-name {cluster} --mode System` under another name, delete the pool `mail` and add it in the new size, all else as it was, delete the other.";
        }

        if (!IsSame(pool.Zones, wanted.Zones))
        {
            yield return $"The nodes of {cluster} are in {ZonesText(pool.Zones)}, and {ZonesText(wanted.Zones)} is wanted: a pool of nodes keeps its zones. " +
                $"Set MAILGRAINS_ZONES to {(pool.Zones.Count == 0 ? "none" : string.Join(',', pool.Zones.Order()))}, or {Anew}.";
        }

        var disk = wanted.EphemeralDisk ? "Ephemeral" : "Managed";
        if ((pool.DiskType ?? disk, pool.DiskSizeGB ?? profile.DiskSizeGB, pool.MaxPods ?? profile.MaxPods) != (disk, profile.DiskSizeGB, profile.MaxPods))
        {
            yield return $"The nodes of {cluster} have disks of {pool.DiskSizeGB} GB ({pool.DiskType}) and {pool.MaxPods} pods at most, and {profile.DiskSizeGB} GB ({disk}) and {profile.MaxPods} " +
                $"are wanted: a pool of nodes keeps them. Set MAILGRAINS_PROFILE back, or {Anew}.";
        }
    }

    private static bool IsSame(IEnumerable<string> one, IEnumerable<string> other) => one.Order().SequenceEqual(other.Order());

    private static string ZonesText(IReadOnlyList<string> zones) => zones.Count == 0 ? "no zone" : $"zone {string.Join(", ", zones.Order())}";
}
