using k8s.Models;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>
/// The controls of Kubernetes' Pod Security Standards, level "restricted", by their names there, as far as a pod without Windows and without
/// annotations can break them.
/// </summary>
internal static class PodSecurity
{
    private static readonly string[] PlainVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
    private static readonly string[] SafeSysctls =
    [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
    ];

    public static IReadOnlyDictionary<string, Func<V1PodSpec, bool>> Controls { get; } = new Dictionary<string, Func<V1PodSpec, bool>>
    {
        // Baseline.
        ["Host Namespaces"] = pod => pod is { HostNetwork: not true, HostPID: not true, HostIPC: not true },
        ["Privileged Containers"] = pod => Containers(pod).All(c => c.SecurityContext?.Privileged is not true),
        ["HostPath Volumes"] = pod => Volumes(pod).All(volume => volume.HostPath is null),
        ["Host Ports"] = pod => Containers(pod).SelectMany(c => c.Ports ?? []).All(port => port.HostPort is null or 0),
        ["Host Probes / Lifecycle Hooks"] = pod => Containers(pod).SelectMany(HandlerHosts).All(string.IsNullOrEmpty),
        ["AppArmor"] = pod => Contexts(pod, p => p.AppArmorProfile?.Type, c => c.AppArmorProfile?.Type).All(type => type is null or "RuntimeDefault" or "Localhost"),
        ["SELinux"] = pod => Contexts(pod, p => p.SeLinuxOptions, c => c.SeLinuxOptions).All(options => options is null or { User: null, Role: null, Type: null }),
        ["/proc Mount Type"] = pod => Containers(pod).All(c => c.SecurityContext?.ProcMount is null or "Default"),
        ["Sysctls"] = pod => (pod.SecurityContext?.Sysctls ?? []).All(sysctl => SafeSysctls.Contains(sysctl.Name)),

        // Restricted.
        ["Volume Types"] = pod => Volumes(pod).All(volume => TypesOf(volume).All(PlainVolumes.Contains)),
        ["Privilege Escalation"] = pod => Containers(pod).All(c => c.SecurityContext?.AllowPrivilegeEscalation == false),
        ["Running as Non-root"] = pod => Containers(pod).All(c => (c.SecurityContext?.RunAsNonRoot ?? pod.SecurityContext?.RunAsNonRoot) == true),
        ["Running as Non-root user"] = pod => Contexts(pod, p => p.RunAsUser, c => c.RunAsUser).All(user => user != 0),
        ["Seccomp"] = pod => Containers(pod).All(c =>
            (c.SecurityContext?.SeccompProfile ?? pod.SecurityContext?.SeccompProfile)?.Type is "RuntimeDefault" or "Localhost"),
        ["Capabilities"] = pod => Containers(pod).All(c =>
            c.SecurityContext?.Capabilities is { } capabilities && (capabilities.Drop ?? []).Contains("ALL") &&
            (capabilities.Add ?? []).All(added => added == "NET_BIND_SERVICE")),
    };

    private static IEnumerable<V1Container> Containers(V1PodSpec pod) => [.. pod.Containers, .. pod.InitContainers ?? []];

    private static IEnumerable<V1Volume> Volumes(V1PodSpec pod) => pod.Volumes ?? [];

    private static IEnumerable<T?> Contexts<T>(V1PodSpec pod, Func<V1PodSecurityContext, T?> ofPod, Func<V1SecurityContext, T?> ofContainer) =>
    [
        .. pod.SecurityContext is { } context ? [ofPod(context)] : Array.Empty<T?>(),
        .. Containers(pod).Where(c => c.SecurityContext is not null).Select(c => ofContainer(c.SecurityContext)),
    ];

    private static IEnumerable<string?> HandlerHosts(V1Container container)
    {
        foreach (var probe in new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe })
        {
            yield return probe?.HttpGet?.Host;
            yield return probe?.TcpSocket?.Host;
        }

        foreach (var hook in new[] { container.Lifecycle?.PreStop, container.Lifecycle?.PostStart })
        {
            yield return hook?.HttpGet?.Host;
            yield return hook?.TcpSocket?.Host;
        }
    }

    /// <summary>The names of the fields that a volume has, its own name excepted.</summary>
    private static IEnumerable<string> TypesOf(V1Volume volume) => System.Text.Json.Nodes.JsonNode.Parse(k8s.KubernetesJson.Serialize(volume))!
        .AsObject().Select(field => field.Key).Where(key => key != "name");
}
