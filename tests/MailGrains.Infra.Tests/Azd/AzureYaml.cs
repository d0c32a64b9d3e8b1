using System.Diagnostics.CodeAnalysis;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace MailGrains.Infra.Tests.Azd;

/// <summary>
/// The parts of azd's schema (https://raw.githubusercontent.com/Azure/azure-dev/main/schemas/v1.0/azure.yaml.json) that our <c>azure.yaml</c> uses, and no others:
/// azd itself overlooks a key that it does not know at the root.
/// </summary>
[SuppressMessage("Performance", "CA1812", Justification = "Made by the deserializer.")]
internal sealed class AzureYaml
{
    public required string Name { get; init; }

    public required Template Metadata { get; init; }

    public required Versions RequiredVersions { get; init; }

    public required Provisioning Infra { get; init; }

    public required Dictionary<string, Service> Services { get; init; }

    public required Hooked Hooks { get; init; }

    public required Variables Pipeline { get; init; }

    /// <exception cref="YamlException">It has a key that is not known here, one twice, or lacks one.</exception>
    public static AzureYaml Parse(string text) => new DeserializerBuilder()
        .WithNamingConvention(CamelCaseNamingConvention.Instance)
        .WithDuplicateKeyChecking()
        .WithEnforceRequiredMembers()
        .Build()
        .Deserialize<AzureYaml>(text);

    internal sealed class Template
    {
        [YamlMember(Alias = "template")]
        public required string Identifier { get; init; }
    }

    internal sealed class Versions
    {
        public required string Azd { get; init; }
    }

    internal sealed class Provisioning
    {
        public required string Provider { get; init; }

        public required string Path { get; init; }

        public required string Module { get; init; }
    }

    /// <summary>For `host: aks`: without image, env and apiVersion, which azd forbids there.</summary>
    internal sealed class Service
    {
        public required string Project { get; init; }

        public required string Language { get; init; }

        public required string Host { get; init; }

        public required Kubernetes K8s { get; init; }
    }

    internal sealed class Kubernetes
    {
        public required string Namespace { get; init; }

        public required string DeploymentPath { get; init; }
    }

    internal sealed class Hooked
    {
        public required Hook Preprovision { get; init; }

        public required Hook Postprovision { get; init; }

        public required Hook Predown { get; init; }

        public IEnumerable<Hook> All => [Preprovision, Postprovision, Predown];
    }

    internal sealed class Hook
    {
        public required string Run { get; init; }

        public required bool Interactive { get; init; }
    }

    internal sealed class Variables
    {
        [YamlMember(Alias = "variables")]
        public required List<string> Plain { get; init; }

        public required List<string> Secrets { get; init; }
    }
}
