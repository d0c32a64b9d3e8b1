using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using MailGrains.Host.Configuration;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>The image as MSBuild would make it from the host's project: evaluated as azd calls it, since its base is on a registry far away.</summary>
public sealed class ContainerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_image_is_small_and_nobodys_root()
    {
        var image = (await EvaluateAsync())["Properties"]!;

        Assert.Equal("mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled", (string?)image["ContainerBaseImage"]);

        // Kubernetes tells a user that is not root by the number only.
        var pods = ManifestFolder.All.SelectMany(folder => new ManifestFolder(folder.Data).Workloads()).Select(w => w.Spec.Template.Spec.SecurityContext.RunAsUser);
        Assert.All(pods, user => Assert.Equal((string?)image["ContainerUser"], user?.ToString(CultureInfo.InvariantCulture)));

        // The base has neither ICU nor time zones.
        Assert.Equal("true", (string?)image["InvariantGlobalization"]);
    }

    [Fact]
    public async Task What_azd_passes_is_what_counts()
    {
        var image = (await EvaluateAsync(
            "-p:ContainerRegistry=crabc.azurecr.io", "-p:ContainerRepository=mailgrains/mailgrains-dev", "-p:ContainerImageTag=azd-deploy-1"))["Properties"]!;

        Assert.Equal(
            ("crabc.azurecr.io", "mailgrains/mailgrains-dev", "azd-deploy-1", ""),
            ((string?)image["ContainerRegistry"], (string?)image["ContainerRepository"], (string?)image["ContainerImageTag"], (string?)image["ContainerImageTags"]));

        // And none of it is the project's own.
        image = (await EvaluateAsync())["Properties"]!;
        Assert.All(new[] { "ContainerRegistry", "ContainerImageTag", "ContainerImageTags" }, name => Assert.Equal("", (string?)image[name]));
    }

    [Fact]
    public async Task The_images_ports_are_those_that_pods_listen_on()
    {
        var ports = (await EvaluateAsync())["Items"]!["ContainerPort"]!.AsArray();
        var pods = PortTests.PortsOf(new ManifestFolder(ManifestFolder.Whole).Workloads().Single());

        Assert.All(ports, port => Assert.Equal("tcp", (string?)port!["Type"]));
        Assert.Equal(
            pods.Where(port => PortTests.IsSpoken(port.Key)).Select(port => port.Value.ToString(CultureInfo.InvariantCulture)).Order(),
            ports.Select(port => (string)port!["Identity"]!).Order());
    }

    [Fact]
    public async Task The_images_environment_says_what_the_manifest_says()
    {
        var image = (await EvaluateAsync())["Items"]!["ContainerEnvironmentVariable"]!.AsArray()
            .ToDictionary(variable => (string)variable!["Identity"]!, variable => (string)variable!["Value"]!);
        var manifests = new ManifestFolder(ManifestFolder.Whole);
        var pod = manifests.EnvironmentOf(manifests.Workloads().Single(), Deployments.Environment());

        Assert.NotEmpty(image);
        Assert.All(image, variable => Assert.Equal(variable.Value, pod[variable.Key]));

        // Alone it listens to others than itself.
        var settings = HostSettings.Read(Configured.By(image, IPAddress.Loopback));
        Assert.Equal((IPAddress.Any, IPAddress.Any), (settings.Endpoints.Smtp!.Address, settings.Endpoints.Https!.Address));
    }

    private static async Task<JsonNode> EvaluateAsync(params string[] properties) => JsonNode.Parse(await ExternalProgram.RunAsync(
        "dotnet",
        [
            "msbuild", Path.Combine(Repository.Folder, "src", "MailGrains.Host"), "-nologo", "-nodeReuse:false", "-p:Configuration=Release", "-p:RuntimeIdentifier=linux-x64",
            .. properties, "-t:ComputeContainerBaseImage",
            "-getProperty:ContainerBaseImage,ContainerUser,ContainerRegistry,ContainerRepository,ContainerImageTag,ContainerImageTags,InvariantGlobalization",
            "-getItem:ContainerPort,ContainerEnvironmentVariable",
        ],
        Cancellation))!;
}
