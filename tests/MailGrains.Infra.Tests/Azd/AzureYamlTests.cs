using System.Text.RegularExpressions;
using System.Xml.Linq;
using MailGrains.Testing.Hosts;
using YamlDotNet.Core;

namespace MailGrains.Infra.Tests.Azd;

/// <summary><c>azure.yaml</c> by azd's schema, and against what it names.</summary>
public sealed partial class AzureYamlTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Folder, "azure.yaml"));

    private static AzureYaml Yaml => AzureYaml.Parse(Text);

    [Fact]
    public void It_says_by_which_schema_it_goes()
    {
        Assert.StartsWith(
            "# yaml-language-server: $schema=https://raw.githubusercontent.com/Azure/azure-dev/main/schemas/v1.0/azure.yaml.json\n", Text, StringComparison.Ordinal);
        Assert.Matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", Yaml.Name);
        Assert.Matches(">= [0-9]+[.][0-9]+[.][0-9]+", Yaml.RequiredVersions.Azd);
    }

    [Theory]
    [InlineData("services:", "service:")]
    [InlineData("    host: aks\n", "    host: aks\n    image: nginx\n")]
    [InlineData("deploymentPath:", "deploymentPaths:")]
    [InlineData("    interactive: true\n", "")]
    [InlineData("  preprovision:", "  preprovisions:")]
    [InlineData("name: mailgrains\n", "name: mailgrains\nname: mailgrains\n")]
    public void What_the_schema_does_not_know_is_found(string right, string wrong)
    {
        Assert.Throws<YamlException>(() => AzureYaml.Parse(ReplaceFirst(Text, right, wrong)));
    }

    [Fact]
    public void The_template_carries_the_versions_number()
    {
        var version = XDocument.Load(Path.Combine(Repository.Folder, "Directory.Build.props")).Descendants("Version").Single().Value;

        Assert.Equal($"mailgrains@{version}", Yaml.Metadata.Identifier);
    }

    [Fact]
    public void The_service_is_the_host_on_the_cluster_by_our_manifests()
    {
        var (name, service) = Assert.Single(Yaml.Services);
        var project = Path.Combine(Repository.Folder, service.Project);

        Assert.Equal(("mailgrains", "aks", "dotnet", "mailgrains"), (name, service.Host, service.Language, service.K8s.Namespace));
        Assert.True(File.Exists(Path.Combine(project, "MailGrains.Host.csproj")));
        Assert.Equal(Path.Combine(Repository.Folder, "infra", "manifests"), Path.GetFullPath(Path.Combine(project, service.K8s.DeploymentPath)));
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(project, service.K8s.DeploymentPath), "*.yaml", SearchOption.AllDirectories));
    }

    [Fact]
    public void The_image_is_made_by_the_SDK()
    {
        // With a Dockerfile there, azd would want Docker.
        Assert.False(File.Exists(Path.Combine(Repository.Folder, Yaml.Services["mailgrains"].Project, "Dockerfile")));
    }

    [Fact]
    public void The_templates_are_where_it_says()
    {
        Assert.Equal("bicep", Yaml.Infra.Provider);
        Assert.True(File.Exists(Path.Combine(Repository.Folder, Yaml.Infra.Path, $"{Yaml.Infra.Module}.bicep")));
        Assert.True(File.Exists(Path.Combine(Repository.Folder, Yaml.Infra.Path, $"{Yaml.Infra.Module}.parameters.json")));

        // azd would take it in place of the parameters above, and then resolve no secret.
        Assert.False(File.Exists(Path.Combine(Repository.Folder, Yaml.Infra.Path, $"{Yaml.Infra.Module}.bicepparam")));
    }

    [Fact]
    public void Hooks_are_programs_of_one_file_that_speak_to_the_console()
    {
        Assert.All(Yaml.Hooks.All, hook =>
        {
            Assert.EndsWith(".cs", hook.Run, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(Repository.Folder, hook.Run)), hook.Run);
            Assert.True(hook.Interactive);
        });
    }

    [Fact]
    public void No_project_lies_where_azd_would_build_it_in_place_of_the_hooks_file()
    {
        foreach (var folder in new[] { "infra/hooks", "infra", "." })
        {
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(Repository.Folder, folder), "*.*proj"));
        }
    }

    [Fact]
    public void Packages_of_hooks_have_their_versions_where_all_others_have()
    {
        var versions = XDocument.Load(Path.Combine(Repository.Folder, "Directory.Packages.props")).Descendants("PackageVersion")
            .Select(package => package.Attribute("Include")!.Value).ToHashSet();

        foreach (var hook in Yaml.Hooks.All)
        {
            var packages = Package().Matches(File.ReadAllText(Path.Combine(Repository.Folder, hook.Run))).Select(match => match.Groups["name"].Value).ToList();
            Assert.NotEmpty(packages);
            Assert.Subset(versions, packages.ToHashSet());
        }
    }

    private static string ReplaceFirst(string text, string right, string wrong)
    {
        var at = text.IndexOf(right, StringComparison.Ordinal);
        Assert.True(at >= 0, right);
        return string.Concat(text.AsSpan(0, at), wrong, text.AsSpan(at + right.Length));
    }

    [GeneratedRegex("^#:package (?<name>.+)$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Package();
}
