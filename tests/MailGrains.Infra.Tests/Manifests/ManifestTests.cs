using k8s.Models;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That Kubernetes and azd take the manifests, and that their objects find each other.</summary>
public sealed class ManifestTests
{
    private const string Name = "mailgrains";

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Every_file_is_valid_and_all_objects_are_in_the_namespace(string folder)
    {
        var objects = new ManifestFolder(folder).Objects();

        Assert.Equal(Name, Assert.IsType<V1Namespace>(objects[0]).Metadata.Name);
        Assert.All(objects.Skip(1), o => Assert.Equal(Name, ((k8s.IKubernetesObject<V1ObjectMeta>)o).Metadata.NamespaceProperty));
    }

    [Fact]
    public void A_field_that_does_not_exist_is_found()
    {
        var text = new ManifestFolder(ManifestFolder.Whole).Files["50-service.tmpl.yaml"];

        Assert.NotEmpty(ManifestFolder.Parse(text));
        Assert.ThrowsAny<Exception>(() => ManifestFolder.Parse(text.Replace("externalTrafficPolicy", "externalTrafikPolicy", StringComparison.Ordinal)).ToList());
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Nothing_optional_of_the_environment_makes_a_manifest_invalid(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var (full, bare) = (manifests.Objects(), manifests.Objects(Deployments.BareEnvironment()));

        Assert.Equal(full.Select(o => o.Kind), bare.Select(o => o.Kind));
        Assert.All(bare.OfType<V1ConfigMap>().Single().Data, setting => Assert.NotNull(setting.Value));

        // A port that is left out would open all of them.
        Assert.All(bare.OfType<V1NetworkPolicy>().SelectMany(p => p.Spec.Egress.SelectMany(rule => rule.Ports)), port => Assert.NotNull(port.Port));
    }

    [Fact]
    public void The_two_shapes_differ_in_their_workloads_only()
    {
        var (whole, split) = (new ManifestFolder(ManifestFolder.Whole).Files, new ManifestFolder(ManifestFolder.Split).Files);
        static bool IsShared(KeyValuePair<string, string> file) => !file.Key.StartsWith('4');

        Assert.Contains(whole, IsShared);
        Assert.Equal(whole.Where(IsShared), split.Where(IsShared));
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void All_roles_are_there_once(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var roles = manifests.Workloads()
            .Select(workload => manifests.EnvironmentOf(workload, Deployments.Environment()))
            .Select(variables => variables.Where(v => v.Key.StartsWith("MailGrains__Roles__", StringComparison.Ordinal)).Select(v => v.Value).ToList())
            .SelectMany(named => named.Count == 0 ? ["gateway", "grains", "relay", "web"] : named);

        Assert.Equal(["gateway", "grains", "relay", "web"], roles.Order());
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Clients_reach_the_gateways_and_no_others(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var selector = manifests.Single<V1Service>().Spec.Selector;

        Assert.All(manifests.Workloads(), workload => Assert.Equal(
            workload.Spec.Template.Spec.Containers.Single().Ports.Any(port => port.Name == "smtp"),
            selector.All(label => workload.Spec.Template.Metadata.Labels.Contains(label))));
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Each_workload_has_its_autoscaler_and_its_budget_and_the_policy_is_for_its_pods(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var objects = manifests.Objects();
        foreach (var workload in manifests.Workloads())
        {
            var labels = workload.Spec.Template.Metadata.Labels;
            bool AreOf(V1LabelSelector selector) => selector.MatchLabels.Count > 0 && selector.MatchLabels.All(labels.Contains);

            Assert.True(AreOf(workload.Spec.Selector));
            Assert.Single(objects.OfType<V1PodDisruptionBudget>(), budget => AreOf(budget.Spec.Selector) && budget.Spec.MaxUnavailable.ToString() == "1");
            var scaler = Assert.Single(objects.OfType<V2HorizontalPodAutoscaler>(), scaler => scaler.Spec.ScaleTargetRef.Name == workload.Metadata.Name);
            Assert.Equal(("apps/v1", "Deployment"), (scaler.Spec.ScaleTargetRef.ApiVersion, scaler.Spec.ScaleTargetRef.Kind));
            Assert.Equal((3, 9), (scaler.Spec.MinReplicas, scaler.Spec.MaxReplicas));
            Assert.Null(workload.Spec.Replicas);
            Assert.True(AreOf(objects.OfType<V1NetworkPolicy>().Single().Spec.PodSelector));
            Assert.Equal(
                ["kubernetes.io/hostname", "topology.kubernetes.io/zone"], workload.Spec.Template.Spec.TopologySpreadConstraints.Select(c => c.TopologyKey).Order());
            Assert.All(workload.Spec.Template.Spec.TopologySpreadConstraints, spread => Assert.True(AreOf(spread.LabelSelector)));
        }
    }

    /// <summary>As azd does: it waits for the workload and the service that have the service's name in theirs.</summary>
    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void The_pods_are_what_azd_and_the_identity_expect(string folder)
    {
        var manifests = new ManifestFolder(folder);
        var account = manifests.Single<V1ServiceAccount>();

        Assert.Equal(Name, manifests.Single<V1Service>().Metadata.Name);
        Assert.Equal((Name, Name), (account.Metadata.NamespaceProperty, account.Metadata.Name));
        Assert.Equal(Deployments.Environment()["MAILGRAINS_IDENTITY_CLIENT_ID"], account.Metadata.Annotations["azure.workload.identity/client-id"]);
        Assert.All(manifests.Workloads(), workload =>
        {
            Assert.Contains(Name, workload.Metadata.Name, StringComparison.Ordinal);
            Assert.Equal(Deployments.Environment()[Deployments.Image], workload.Spec.Template.Spec.Containers.Single().Image);
            Assert.Equal(account.Metadata.Name, workload.Spec.Template.Spec.ServiceAccountName);
            Assert.Equal("true", workload.Spec.Template.Metadata.Labels["azure.workload.identity/use"]);
        });
    }
}
