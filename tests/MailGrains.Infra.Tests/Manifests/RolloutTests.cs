using k8s.Models;
using MailGrains.Storage.Azure;
using MailGrains.Storage.Azure.Vault;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That a new release takes the place of the old one without a client that is refused.</summary>
public sealed class RolloutTests
{
    // Azure's load balancer asks every five seconds and believes the second answer.
    private static readonly TimeSpan BalancerNotices = TimeSpan.FromSeconds(10);

    // One that stands still with open connections; until then some processes may not be able to ask what they ask to know that they serve.
    private static readonly TimeSpan SiloIsMissed = TimeSpan.FromSeconds(24);

    public static TheoryData<string, string> Workloads => new(
        from folder in ManifestFolder.All
        from workload in new ManifestFolder(folder.Data).Workloads()
        select (folder.Data, workload.Metadata.Name));

    [Theory]
    [MemberData(nameof(Workloads))]
    public void A_new_pod_takes_clients_before_an_old_one_goes(string folder, string name)
    {
        var spec = WorkloadOf(folder, name).Spec;

        Assert.Equal(("RollingUpdate", "0", "1"), (spec.Strategy.Type, spec.Strategy.RollingUpdate.MaxUnavailable.ToString(), spec.Strategy.RollingUpdate.MaxSurge.ToString()));
        Assert.True(TimeSpan.FromSeconds(spec.MinReadySeconds!.Value) > BalancerNotices);
        Assert.True(spec.ProgressDeadlineSeconds > spec.Template.Spec.TerminationGracePeriodSeconds + Seconds(spec.Template.Spec.Containers[0].StartupProbe));
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void Probes_ask_what_the_host_answers_in_clear(string folder, string name)
    {
        var container = WorkloadOf(folder, name).Spec.Template.Spec.Containers.Single();

        Assert.Equal(
            ["/health/live", "/health/live", "/health/serving"],
            new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe }.Select(probe => probe.HttpGet.Path));
        Assert.All(
            new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe },
            probe => Assert.Equal(("http", null), (probe.HttpGet.Port.ToString(), probe.HttpGet.Scheme)));

        // Roles take minutes to hold, and the host waits for the vault, the storage accounts and the data key (at a first start the vault tells its newest key, then
        // wraps by it), one after another; it says so and gives up by itself.
        var (vault, storage) = (new VaultOptions { Uri = new("https://kv-abc.vault.azure.net/") }.StartTimeout, new AzureStorageOptions().StartTimeout);
        Assert.True(TimeSpan.FromSeconds(Seconds(container.StartupProbe)) > vault + storage + vault + vault);
        Assert.True(Seconds(container.LivenessProbe) >= 60);
        Assert.True(Seconds(container.ReadinessProbe) > SiloIsMissed.TotalSeconds);
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void A_pod_that_goes_has_the_time_that_its_sessions_are_given(string folder, string name)
    {
        var manifests = new ManifestFolder(folder);
        var workload = WorkloadOf(folder, name);
        var pod = workload.Spec.Template.Spec;
        var variables = manifests.EnvironmentOf(workload, Deployments.Environment());
        var (notice, limit) = (TimeOf(variables["MailGrains__Drain__Notice"]), TimeOf(variables["MailGrains__Drain__Limit"]));

        Assert.True(notice > BalancerNotices);
        Assert.True(limit > notice);
        Assert.True(TimeSpan.FromSeconds(pod.TerminationGracePeriodSeconds!.Value) >= limit + TimeSpan.FromSeconds(30));
        Assert.Null(pod.Containers[0].Lifecycle);
    }

    private static V1Deployment WorkloadOf(string folder, string name) => new ManifestFolder(folder).Workloads().Single(w => w.Metadata.Name == name);

    private static TimeSpan TimeOf(string value) => TimeSpan.Parse(value, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>How long it is asked in vain until it counts.</summary>
    private static int Seconds(V1Probe probe) => probe.PeriodSeconds!.Value * probe.FailureThreshold!.Value;
}
