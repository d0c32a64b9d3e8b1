using k8s.Models;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>What the pods may do, and that each rule sees when it is broken.</summary>
public sealed class PodSecurityTests
{
    private static readonly Dictionary<string, Action<V1PodSpec>> Breaks = new()
    {
        ["Host Namespaces"] = pod => pod.HostNetwork = true,
        ["Privileged Containers"] = pod => Context(pod).Privileged = true,
        ["HostPath Volumes"] = pod => pod.Volumes.Add(new V1Volume { Name = "node", HostPath = new V1HostPathVolumeSource { Path = "/" } }),
        ["Host Ports"] = pod => pod.Containers[0].Ports[0].HostPort = 25,
        ["Host Probes / Lifecycle Hooks"] = pod => pod.Containers[0].LivenessProbe.HttpGet.Host = "169.254.169.254",
        ["AppArmor"] = pod => Context(pod).AppArmorProfile = new V1AppArmorProfile { Type = "Unconfined" },
        ["SELinux"] = pod => pod.SecurityContext.SeLinuxOptions = new V1SELinuxOptions { Type = "spc_t" },
        ["/proc Mount Type"] = pod => Context(pod).ProcMount = "Unmasked",
        ["Sysctls"] = pod => pod.SecurityContext.Sysctls = [new V1Sysctl { Name = "kernel.msgmax", Value = "1" }],
        ["Volume Types"] = pod => pod.Volumes.Add(new V1Volume { Name = "share", Nfs = new V1NFSVolumeSource { Path = "/", Server = "files.example" } }),
        ["Privilege Escalation"] = pod => Context(pod).AllowPrivilegeEscalation = null,
        ["Running as Non-root"] = pod => pod.SecurityContext.RunAsNonRoot = null,
        ["Running as Non-root user"] = pod => Context(pod).RunAsUser = 0,
        ["Seccomp"] = pod => pod.SecurityContext.SeccompProfile = null,
        ["Capabilities"] = pod => Context(pod).Capabilities.Add = ["NET_RAW"],
    };

    public static TheoryData<string> Controls => [.. PodSecurity.Controls.Keys];

    [Theory]
    [MemberData(nameof(Controls))]
    public void A_control_of_the_restricted_standard_holds_and_sees_when_it_does_not(string control)
    {
        var holds = PodSecurity.Controls[control];

        Assert.All(Pods(), pod => Assert.True(holds(pod)));
        Assert.All(Pods(), pod =>
        {
            Breaks[control](pod);
            Assert.False(holds(pod));
        });
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void The_namespace_takes_no_other_pods(string folder)
    {
        var labels = new ManifestFolder(folder).Single<V1Namespace>().Metadata.Labels;

        Assert.Equal("restricted", labels["pod-security.kubernetes.io/enforce"]);
    }

    [Fact]
    public void The_root_file_system_is_read_only_and_the_one_folder_to_write_to_has_a_bound()
    {
        Assert.All(Pods(), pod =>
        {
            Assert.True(Context(pod).ReadOnlyRootFilesystem);
            var volume = Assert.Single(pod.Volumes);
            Assert.NotNull(volume.EmptyDir.SizeLimit);
            Assert.Equal(("/tmp", volume.Name), (pod.Containers[0].VolumeMounts.Single().MountPath, pod.Containers[0].VolumeMounts.Single().Name));
        });
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void No_pod_holds_a_token_of_the_cluster(string folder)
    {
        Assert.False(new ManifestFolder(folder).Single<V1ServiceAccount>().AutomountServiceAccountToken);
        Assert.All(Pods(), pod => Assert.Equal((false, false), (pod.AutomountServiceAccountToken, pod.EnableServiceLinks)));
    }

    [Fact]
    public void What_a_pod_takes_has_bounds()
    {
        Assert.All(Pods(), pod =>
        {
            var resources = pod.Containers.Single().Resources;
            Assert.Equal(("500m", "1Gi", "2Gi"), (resources.Requests["cpu"].ToString(), resources.Requests["memory"].ToString(), resources.Limits["memory"].ToString()));
            Assert.True(resources.Limits["ephemeral-storage"].ToDecimal() > pod.Volumes.Single().EmptyDir.SizeLimit.ToDecimal());
        });
    }

    private static List<V1PodSpec> Pods() => [.. ManifestFolder.All.SelectMany(folder => new ManifestFolder(folder.Data).Workloads()).Select(w => w.Spec.Template.Spec)];

    private static V1SecurityContext Context(V1PodSpec pod) => pod.Containers[0].SecurityContext;
}
