using System.Net;
using k8s.Models;
using MailGrains.Host;
using MailGrains.Host.Configuration;
using MailGrains.Storage.Azure;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That the host means by a pod's settings what the deployment means.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void A_pod_is_told_where_its_state_is_and_shows_no_demo()
    {
        var (settings, storage) = Read(Deployments.Environment());

        Assert.Equal((HostRoles.All, "mail.example.org", StorageProvider.Azure, false), (settings.Roles, settings.HostName, settings.Storage.Provider, settings.DemoEnabled));
        Assert.Equal(
            ["https://stabcm0.blob.core.windows.net/", "https://stabcm1.blob.core.windows.net/"],
            storage.ServiceUris!.Split(',').Select(uri => new Uri(uri).AbsoluteUri));
        Assert.Equal(new Uri("https://stabccluster.blob.core.windows.net"), storage.Cluster!.ServiceUri);
    }

    [Fact]
    public void A_smart_host_is_a_route_for_all_mail_and_none_is_no_route()
    {
        var route = Read(Deployments.Environment()).Settings.Relay.Relay.Routes.RouteOf("tenant", "elsewhere.example", null)!;
        Assert.Equal(["smtp.smarthost.example"], route.Hosts);
        Assert.Equal((587, Grains.Relay.Routing.RouteTls.Verified, "us"), (route.Port, route.Tls, route.User));

        Assert.Null(Read(Deployments.BareEnvironment()).Settings.Relay.Relay.Routes.RouteOf("tenant", "elsewhere.example", null));
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void A_pod_takes_no_secret_that_is_not_sealed_and_orders_no_certificate_at_once(string folder)
    {
        var manifests = new ManifestFolder(folder);

        Assert.All(manifests.Workloads(), workload =>
        {
            var settings = new SettingsReader(Configured.By(manifests.EnvironmentOf(workload, Deployments.Environment()), IPAddress.Loopback));
            Assert.False(Providers.ReadVault(settings)!.TakesPlain);
            Assert.True(AcmeSettings.Read(settings, "mail.example.org").StartAfter > TimeSpan.Zero);
        });
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void No_manifest_holds_a_secret(string folder)
    {
        var manifests = new ManifestFolder(folder);
        string[] secrets = ["Password", "ApiKey", "ConnectionString", "Srs__Keys"];

        Assert.DoesNotContain(manifests.Objects(), o => o is V1Secret);
        Assert.All(manifests.Workloads(), workload => Assert.DoesNotContain(
            manifests.EnvironmentOf(workload, Deployments.Environment()).Keys.Where(IsOurs),
            variable => secrets.Any(secret => variable.Contains(secret, StringComparison.OrdinalIgnoreCase))));
    }

    /// <summary>All that the host reads of its configuration.</summary>
    internal static (HostSettings Settings, AzureStorageOptions Storage) ReadAll(IConfiguration configuration) =>
        (HostSettings.Read(configuration), configuration.GetSection(AzureStorageOptions.Section).Get<AzureStorageOptions>()!);

    private static (HostSettings Settings, AzureStorageOptions Storage) Read(IReadOnlyDictionary<string, string> environment)
    {
        var manifests = new ManifestFolder(ManifestFolder.Whole);
        return ReadAll(Configured.By(manifests.EnvironmentOf(manifests.Workloads().Single(), environment), IPAddress.Loopback));
    }

    internal static bool IsOurs(string variable) => variable.StartsWith("MailGrains__", StringComparison.OrdinalIgnoreCase);
}
