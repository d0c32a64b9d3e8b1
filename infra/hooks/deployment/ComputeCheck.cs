namespace MailGrains.Deployment;

/// <summary>What a region says of a size of machines, to one subscription.</summary>
/// <param name="Name">Such as <c>Standard_D4ds_v5</c>.</param>
/// <param name="Family">Whose quota it takes from.</param>
/// <param name="Cpus">Of one machine.</param>
/// <param name="Zones">Where it can be had.</param>
/// <param name="Refused">Whether the subscription may not have it in this region at all.</param>
/// <param name="EphemeralDisk">Whether the system's disk can be the machine's own.</param>
public sealed record MachineSize(string Name, string Family, int Cpus, IReadOnlySet<string> Zones, bool Refused, bool EphemeralDisk);

/// <param name="Used">Processors that run.</param>
/// <param name="Limit">How many may.</param>
public sealed record Quota(long Used, long Limit)
{
    public long Free => Limit - Used;
}

/// <summary>The nodes that are wanted.</summary>
public sealed record WantedNodes(string VmSize, IReadOnlyList<string> Zones, int MinNodes, int MaxNodes, bool EphemeralDisk, bool? Deployed)
{
    /// <summary>As the template reads the same variables.</summary>
    /// <param name="deployed">Whether the cluster is there, whose nodes are in use already; null: not known.</param>
    public static WantedNodes Of(AzdVariables variables, Profile profile, bool? deployed)
    {
        var zones = variables["MAILGRAINS_ZONES"] ?? profile.Zones;
        var wantedMin = variables.Number("MAILGRAINS_MIN_NODES", 0);
        var wantedMax = variables.Number("MAILGRAINS_MAX_NODES", 0);
        var min = Math.Max(1, wantedMin == 0 ? profile.MinNodes : wantedMin);
        return new WantedNodes(
            variables["MAILGRAINS_VM_SIZE"] ?? profile.VmSize,
            zones == "none" ? [] : zones.Split(',', StringSplitOptions.TrimEntries),
            min,
            Math.Max(min, wantedMax == 0 ? profile.MaxNodes : wantedMax),
            profile.EphemeralDisk,
            deployed);
    }
}

/// <summary>Whether the nodes can be had.</summary>
public static class ComputeCheck
{
    /// <param name="wanted">The nodes.</param>
    /// <param name="location">The region, for texts.</param>
    /// <param name="size">What the region says of their size; null: it does not have it.</param>
    /// <param name="family">Processors of the size's family; null: not told.</param>
    /// <param name="region">Processors of all sizes; null: not told.</param>
    public static IEnumerable<Finding> Judge(WantedNodes wanted, string location, MachineSize? size, Quota? family, Quota? region)
    {
        if (size is null || size.Refused)
        {
            yield return new Finding(
                Weight.Failure,
                $"{location} has no {wanted.VmSize} for this subscription. Choose another (`azd env set MAILGRAINS_VM_SIZE`; `az vm list-skus -l {location} -o table` lists them).");
            yield break;
        }

        var absent = wanted.Zones.Where(zone => !size.Zones.Contains(zone)).ToArray();
        if (absent.Length > 0)
        {
            yield return new Finding(
                Weight.Failure,
                $"{location} has no {size.Name} in zone {string.Join(", ", absent)}. Set MAILGRAINS_ZONES to some of \"{string.Join(',', size.Zones.Order())}\", or to none.");
        }

        if (wanted.EphemeralDisk && !size.EphemeralDisk)
        {
            yield return new Finding(Weight.Failure, $"{size.Name} has no local disk for the system, which this profile wants. Choose a size that has one.");
        }

        foreach (var (quota, name) in new[] { (family, size.Family), (region, "all sizes together") })
        {
            yield return JudgeQuota(wanted, location, size, quota, name);
        }
    }

    private static Finding JudgeQuota(WantedNodes wanted, string location, MachineSize size, Quota? quota, string name)
    {
        if (quota is null)
        {
            return new Finding(Weight.Warning, $"{location} did not tell how many processors of {name} this subscription may have.");
        }

        // One more than runs: an upgrade makes a new node before it takes an old one away.
        var first = wanted.Deployed == false ? wanted.MinNodes * (long)size.Cpus : 0;
        var upgrade = first + size.Cpus;
        var most = (wanted.MaxNodes - (wanted.Deployed == false ? 0 : wanted.MinNodes) + 1) * (long)size.Cpus;
        var free = $"{quota.Free} of {quota.Limit} processors of {name} are free in {location}";
        return quota.Free < first
            ? new Finding(Weight.Failure, $"{free}, and {wanted.MinNodes} nodes of {size.Name} need {first}. Ask for more in the portal (Quotas), or choose another size or region.")
            : quota.Free < upgrade
                ? new Finding(Weight.Warning, $"{free}: too few for the node more ({size.Cpus} processors) that an upgrade needs.")
                : quota.Free < most
                    ? new Finding(Weight.Warning, $"{free}: too few for the {wanted.MaxNodes} nodes that the cluster may grow to.")
                    : new Finding(Weight.Good, $"{free}.");
    }
}
