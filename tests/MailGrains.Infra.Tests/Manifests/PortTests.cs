using System.Globalization;
using System.Net;
using k8s.Models;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That a port has one number and one name from the load balancer to the process.</summary>
public sealed class PortTests
{
    /// <summary>Of protocols that the host does not speak yet: the port is there, and nobody listens.</summary>
    private static readonly string[] Kept = ["imap", "imaps", "managesieve"];

    private static readonly string[] OfTheCluster = ["gateway", "silo"];

    /// <summary>Registered by IANA.</summary>
    private static readonly Dictionary<string, int> Public = new()
    {
        ["smtp"] = 25,
        ["http"] = 80,
        ["pop3"] = 110,
        ["imap"] = 143,
        ["https"] = 443,
        ["submissions"] = 465,
        ["submission"] = 587,
        ["imaps"] = 993,
        ["pop3s"] = 995,
        ["managesieve"] = 4190,
    };

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void The_public_ports_lead_to_the_named_ports_of_the_pods(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var service = manifests.Single<V1Service>().Spec;

        Assert.Equal(Public.OrderBy(p => p.Key), service.Ports.Select(p => KeyValuePair.Create(p.Name, p.Port)).OrderBy(p => p.Key));
        Assert.All(service.Ports, port => Assert.Equal((port.Name, "TCP"), (port.TargetPort.ToString(), port.Protocol ?? "TCP")));
        var listening = manifests.Workloads().Where(w => service.Selector.All(label => w.Spec.Template.Metadata.Labels.Contains(label)));
        Assert.All(listening, workload => Assert.Empty(Public.Keys.Except(PortsOf(workload).Keys)));
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Clients_addresses_stay_and_the_public_address_is_the_one_that_was_made(string folder)
    {
        var service = new ManifestFolder(folder).Single<V1Service>();
        const string Prefix = "service.beta.kubernetes.io/azure-";

        Assert.Equal(("LoadBalancer", "Local"), (service.Spec.Type, service.Spec.ExternalTrafficPolicy));
        Assert.Equal(
            (Deployments.Environment()["MAILGRAINS_PUBLIC_IP_NAME"], Deployments.Environment()["AZURE_RESOURCE_GROUP"], "30"),
            (service.Metadata.Annotations[Prefix + "pip-name"], service.Metadata.Annotations[Prefix + "load-balancer-resource-group"],
                service.Metadata.Annotations[Prefix + "load-balancer-tcp-idle-timeout"]));
    }

    [Fact]
    public void The_hosts_own_ports_are_those_of_the_pods()
    {
        var host = HostSettings.Read(new ConfigurationBuilder().Build());
        var pods = PortsOf(new ManifestFolder(ManifestFolder.Whole).Workloads().Single());
        var own = EndpointsOf(host);

        Assert.Equal(own.Keys.Concat(Kept).Concat(OfTheCluster).Order(), pods.Keys.Order());

        // HTTPS is off unless it is told where.
        Assert.All(own.Where(e => e.Value is not null), e => Assert.Equal(e.Value!.Port, pods[e.Key]));
        Assert.Equal((host.Cluster.SiloPort, host.Cluster.GatewayPort), (pods["silo"], pods["gateway"]));
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Pods_listen_where_their_ports_say(string folder)
    {
        var manifests = new ManifestFolder(folder);
        foreach (var workload in manifests.Workloads())
        {
            var ports = PortsOf(workload);
            var settings = HostSettings.Read(Configured.By(manifests.EnvironmentOf(workload, Deployments.Environment()), podAddress: IPAddress.Loopback));
            var listening = EndpointsOf(settings)
                .Where(e => settings.Has(HostRoles.Gateway) || e.Key is "http" or "https")
                .ToDictionary(e => e.Key, e => e.Value!);

            Assert.All(listening.Values, endPoint => Assert.Equal(IPAddress.Any, endPoint.Address));
            Assert.Equal(
                listening.Select(e => KeyValuePair.Create(e.Key, e.Value.Port)).OrderBy(p => p.Key),
                ports.Where(p => !Kept.Contains(p.Key) && !OfTheCluster.Contains(p.Key)).OrderBy(p => p.Key));
            Assert.Equal((settings.Cluster.SiloPort, settings.Cluster.GatewayPort), (ports["silo"], ports["gateway"]));
        }
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void The_ports_of_the_cluster_stay_between_its_pods(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var policy = manifests.Single<V1NetworkPolicy>().Spec;
        var ports = manifests.Workloads().SelectMany(PortsOf).DistinctBy(p => p.Key).ToDictionary();
        List<int> inside = [.. OfTheCluster.Select(name => ports[name]).Order()];

        Assert.Equal(["Egress", "Ingress"], policy.PolicyTypes.Order());
        var open = policy.Ingress.Where(rule => rule.FromProperty is null).ToList();
        Assert.Equal(ports.Values.Except(inside).Order(), open.SelectMany(Numbers).Order());
        var between = Assert.Single(policy.Ingress.Except(open));
        Assert.Equal(inside, Numbers(between).Order());
        Assert.Equal(policy.PodSelector.MatchLabels, Assert.Single(between.FromProperty).PodSelector.MatchLabels);
        Assert.Null(between.FromProperty[0].NamespaceSelector);
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void What_leaves_is_what_the_service_asks_for(string folder)
    {
        var policy = new ManifestFolder(folder).Single<V1NetworkPolicy>().Spec;
        var anywhere = policy.Egress.Where(rule => rule.To is null).SelectMany(rule => rule.Ports).Select(p => $"{p.Protocol}/{p.Port}").Distinct();
        var inside = Assert.Single(policy.Egress, rule => rule.To is not null);

        Assert.Equal(["TCP/25", "TCP/443", "TCP/465", "TCP/53", "TCP/587", "UDP/53"], anywhere.Order(StringComparer.Ordinal));
        Assert.Equal(policy.PodSelector.MatchLabels, Assert.Single(inside.To).PodSelector.MatchLabels);
    }

    [Fact]
    public void A_smart_hosts_own_port_is_let_out()
    {
        var environment = Deployments.Environment();
        environment["MAILGRAINS_DEPLOYED_SMART_HOST_PORT"] = "2525";
        var policy = new ManifestFolder(ManifestFolder.Whole).Objects(environment).OfType<V1NetworkPolicy>().Single().Spec;

        Assert.Contains(policy.Egress.Where(rule => rule.To is null).SelectMany(rule => rule.Ports), port => port.Port == "2525");
    }

    /// <summary>Of a pod, by their names.</summary>
    internal static Dictionary<string, int> PortsOf(V1Deployment workload) =>
        workload.Spec.Template.Spec.Containers.Single().Ports.ToDictionary(port => port.Name, port => port.ContainerPort);

    /// <summary>Those that the process listens on as soon as the host speaks their protocol.</summary>
    internal static bool IsSpoken(string port) => !Kept.Contains(port);

    private static IEnumerable<int> Numbers(V1NetworkPolicyIngressRule rule) => rule.Ports.Select(port => int.Parse(port.Port, CultureInfo.InvariantCulture));

    private static Dictionary<string, IPEndPoint?> EndpointsOf(HostSettings settings) => typeof(EndpointSettings).GetProperties()
        .Where(property => property.PropertyType == typeof(IPEndPoint))
        .ToDictionary(property => property.Name.ToLowerInvariant(), property => (IPEndPoint?)property.GetValue(settings.Endpoints));
}
