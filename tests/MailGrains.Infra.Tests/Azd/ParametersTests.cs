using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailGrains.Infra.Tests.Bicep;
using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Azd;

/// <summary>What azd puts into the template, and what it takes out of it.</summary>
public sealed partial class ParametersTests(CompiledTemplate compiled)
{
    /// <summary>What manifests and hooks read.</summary>
    private static readonly string[] Outputs =
    [
        "APPLICATIONINSIGHTS_CONNECTION_STRING", "AZURE_AKS_CLUSTER_NAME", "AZURE_CONTAINER_REGISTRY_ENDPOINT", "AZURE_CONTAINER_REGISTRY_NAME",
        "AZURE_KEY_VAULT_ENDPOINT", "AZURE_KEY_VAULT_NAME", "AZURE_LOCATION", "AZURE_RESOURCE_GROUP", "AZURE_TENANT_ID", "MAILGRAINS_CLUSTER_STORAGE_URI",
        "MAILGRAINS_DEPLOYED_ACME_CONTACT", "MAILGRAINS_DEPLOYED_ACME_DIRECTORY", "MAILGRAINS_DEPLOYED_CPU_REQUEST", "MAILGRAINS_DEPLOYED_DATA_KEY_NAME",
        "MAILGRAINS_DEPLOYED_EGRESS_PTR", "MAILGRAINS_DEPLOYED_HOST_NAME", "MAILGRAINS_DEPLOYED_MAX_REPLICAS", "MAILGRAINS_DEPLOYED_MEMORY_LIMIT",
        "MAILGRAINS_DEPLOYED_MEMORY_REQUEST", "MAILGRAINS_DEPLOYED_MIN_REPLICAS", "MAILGRAINS_DEPLOYED_SMART_HOST", "MAILGRAINS_DEPLOYED_SMART_HOST_PORT",
        "MAILGRAINS_DEPLOYED_SMART_HOST_USER", "MAILGRAINS_EGRESS_IP_ADDRESS", "MAILGRAINS_IDENTITY_CLIENT_ID", "MAILGRAINS_PUBLIC_FQDN",
        "MAILGRAINS_PUBLIC_IP_ADDRESS", "MAILGRAINS_PUBLIC_IP_NAME", "MAILGRAINS_STORAGE_URIS",
    ];

    /// <summary>Those that azd knows by itself.</summary>
    private static readonly string[] AzdsOwn = ["AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"];

    private static IReadOnlyDictionary<string, Substitution> Parameters { get; } = Read();

    [Fact]
    public void Every_parameter_of_the_template_has_a_variable_and_no_other_has()
    {
        Assert.Equal(compiled.Parameters.Keys.Order(), Parameters.Keys.Order());
        Assert.Distinct(Parameters.Values.Select(substitution => substitution.Variable));
        Assert.All(Parameters.Values, substitution => Assert.Matches("^(AZURE|MAILGRAINS)_[A-Z_]+$", substitution.Variable));
    }

    [Fact]
    public void What_a_variable_that_is_not_set_stands_for_is_the_templates_own_default()
    {
        // azd makes numbers and truth values of texts that are such, and no lists: hence none here.
        Assert.All(Parameters, parameter =>
        {
            var (type, value) = (compiled.Parameters[parameter.Key].Text("type"), compiled.Parameters[parameter.Key].At("defaultValue"));
            Assert.Contains(type, (string[])["string", "securestring", "int", "bool"]);
            if (value is not null && parameter.Key != "acmeDirectory")
            {
                Assert.Equal(value.ToString(), parameter.Value.Default);
            }
        });
    }

    [Fact]
    public void Certificates_come_from_an_authority_unless_it_is_told_otherwise()
    {
        Assert.Equal("https://acme-v02.api.letsencrypt.org/directory", Parameters["acmeDirectory"].Default);
    }

    [Fact]
    public void A_secret_has_no_default_and_is_a_secret_for_pipelines_too()
    {
        var secrets = compiled.Parameters.Where(parameter => parameter.Value.Text("type") == "securestring").Select(parameter => Parameters[parameter.Key]).ToList();

        Assert.All(secrets, secret => Assert.Equal("", secret.Default));
        Assert.Equal(AzureYaml.Parse(File.ReadAllText(Path.Combine(Repository.Folder, "azure.yaml"))).Pipeline.Secrets, secrets.Select(secret => secret.Variable));
    }

    [Fact]
    public void Pipelines_get_every_variable()
    {
        var pipeline = AzureYaml.Parse(File.ReadAllText(Path.Combine(Repository.Folder, "azure.yaml"))).Pipeline;

        Assert.Equal(
            Parameters.Values.Select(substitution => substitution.Variable).Except(AzdsOwn).Order(), pipeline.Plain.Concat(pipeline.Secrets).Order());
    }

    [Fact]
    public void The_outputs_are_those_that_manifests_and_hooks_read()
    {
        Assert.Equal(Outputs, compiled.Outputs.Keys.Order());
    }

    /// <summary>
    /// azd keeps outputs among the variables that the operator sets, so that one of the same name would be taken for a setting the next time, and it removes
    /// outputs on <c>azd down</c>.
    /// </summary>
    [Fact]
    public void No_output_takes_the_place_of_what_can_be_set()
    {
        Assert.Equal(["AZURE_LOCATION"], compiled.Outputs.Keys.Intersect(Parameters.Values.Select(substitution => substitution.Variable)));
    }

    [Fact]
    public void What_hooks_ask_for_is_an_output_or_can_be_set()
    {
        var known = Outputs.Concat(Parameters.Values.Select(substitution => substitution.Variable))
            .Append("AZURE_SUBSCRIPTION_ID").Append("MAILGRAINS_CONFIRM_DELETE").ToHashSet();
        var asked = Directory.EnumerateFiles(Path.Combine(CompiledTemplate.Folder, "hooks"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(file => Variable().Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value))
            .ToHashSet();

        Assert.Contains("AZURE_KEY_VAULT_ENDPOINT", asked);
        Assert.Subset(known, asked);
    }

    /// <summary><c>azd provision</c> takes the labels from the namespace, and only a deployment puts them there again.</summary>
    [Fact]
    public void Nobody_is_told_to_provision_without_deploying()
    {
        var hooks = Directory.EnumerateFiles(Path.Combine(CompiledTemplate.Folder, "hooks"), "*.cs", SearchOption.AllDirectories);

        Assert.DoesNotContain(hooks, file => File.ReadAllText(file).Contains("azd provision", StringComparison.Ordinal));
    }

    [Fact]
    public void No_output_is_a_secret()
    {
        Assert.All(compiled.Outputs.Values, output => Assert.DoesNotContain("secure", output.Text("type"), StringComparison.OrdinalIgnoreCase));
    }

    private static Dictionary<string, Substitution> Read()
    {
        var root = JsonNode.Parse(File.ReadAllText(Path.Combine(CompiledTemplate.Folder, "main.parameters.json")))!;
        return root["parameters"]!.AsObject().ToDictionary(
            parameter => parameter.Key,
            parameter => Variables().Match(parameter.Value!["value"]!.ToString()) is { Success: true } match
                ? new Substitution(match.Groups["name"].Value, match.Groups["default"].Value)
                : throw new InvalidOperationException($"{parameter.Key} is no ${{VARIABLE=default}}."));
    }

    [GeneratedRegex(@"^\$\{(?<name>[A-Z_]+)(=(?<default>[^}]*))?\}$", RegexOptions.NonBacktracking)]
    private static partial Regex Variables();

    // As a whole text, that is as the name of a variable, not in a sentence.
    [GeneratedRegex("\"(?<name>(AZURE|MAILGRAINS)_[A-Z_]+)\"", RegexOptions.NonBacktracking)]
    private static partial Regex Variable();

    private sealed record Substitution(string Variable, string Default);
}
