using k8s.Models;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>Whether a node carries what is put on it.</summary>
public sealed class CapacityTests
{
    private const long Mi = 1024 * 1024;

    /// <summary>Processors, and memory in MiB.</summary>
    private static readonly Dictionary<string, (int Cpus, int Memory)> Machines = new()
    {
        ["Standard_D2as_v5"] = (2, 8 * 1024),
        ["Standard_D4ds_v5"] = (4, 16 * 1024),
    };

    /// <summary>Millicores that AKS keeps for the node itself, by its processors ("Node resource reservations in AKS").</summary>
    private static readonly Dictionary<int, int> KeptCpu = new() { [2] = 100, [4] = 140 };

    /// <param name="profile">Whose nodes.</param>
    /// <param name="systemCpu">Millicores for the cluster's own pods on a node; where there is one node, it has all of them. Our estimate.</param>
    /// <param name="systemMemory">MiB for them.</param>
    [Theory]
    [InlineData(Snapshot.Dev, 1200, 1536)]
    [InlineData(Snapshot.Production, 800, 1024)]
    public void The_pod_of_a_new_release_fits_beside_an_old_one(string profile, int systemCpu, int systemMemory)
    {
        var snapshot = Snapshot.Read(profile);
        var pool = snapshot.OfType("Microsoft.ContainerService/managedClusters").Single().At("properties.agentPoolProfiles")![0]!;
        var (cpus, memory) = Machines[pool.Text("vmSize")!];

        // By the same source: 20 MB a pod that there may be and 50, at most a quarter; and 100 below which pods are ended.
        var freeCpu = (1000 * cpus) - KeptCpu[cpus] - systemCpu;
        var freeMemory = memory - Math.Min((20 * (int)pool["maxPods"]!) + 50, memory / 4) - 100 - systemMemory;

        decimal Of(string output) => new ResourceQuantity(snapshot.Outputs.Text(output)).ToDecimal();
        Assert.InRange(2 * 1000 * Of("MAILGRAINS_DEPLOYED_CPU_REQUEST"), 1, freeCpu);
        Assert.InRange(2 * Of("MAILGRAINS_DEPLOYED_MEMORY_REQUEST") / Mi, 1, freeMemory);

        // Nor does the one take the memory from the other.
        Assert.InRange(2 * Of("MAILGRAINS_DEPLOYED_MEMORY_LIMIT") / Mi, 2 * Of("MAILGRAINS_DEPLOYED_MEMORY_REQUEST") / Mi, freeMemory);
    }
}
