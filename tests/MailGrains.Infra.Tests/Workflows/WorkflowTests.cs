using System.Diagnostics;
using MailGrains.Infra.Tests.Azd;
using MailGrains.Infra.Tests.Manifests;
using MailGrains.Testing.Hosts;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MailGrains.Infra.Tests.Workflows;

/// <summary>The workflows of GitHub, which nothing here can run: that they are valid, bounded and let nobody in.</summary>
public sealed class WorkflowTests
{
    private const string Good = """
        on:
          push:
        permissions: {}
        jobs:
          one:
            permissions:
              contents: read
            timeout-minutes: 5
            steps:
              - uses: actions/checkout@v4
                with:
                  persist-credentials: false
              - run: echo "$NAME"
        """;

    private static string Folder => Path.Combine(Repository.Folder, ".github", "workflows");

    public static TheoryData<string> Files => [.. Directory.EnumerateFiles(Folder).Select(file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_workflow_has_no_fault(string file)
    {
        Assert.Empty(new Workflow(File.ReadAllText(Path.Combine(Folder, file))).Faults());
    }

    [Theory]
    [InlineData("permissions: {}", "permissions: write-all")]
    [InlineData("  push:", "  pull_request_target:")]
    [InlineData("contents: read", "contents: write")]
    [InlineData("    permissions:\n      contents: read\n", "")]
    [InlineData("timeout-minutes: 5", "timeout-minutes: 900")]
    [InlineData("    timeout-minutes: 5\n", "")]
    [InlineData("actions/checkout@v4", "actions/checkout@main")]
    [InlineData("actions/checkout@v4", "somebody/checkout@v4")]
    [InlineData("persist-credentials: false", "fetch-depth: 0")]
    [InlineData("$NAME", "${{ github.event.pull_request.title }}")]
    public void A_fault_is_found(string right, string wrong)
    {
        Assert.Empty(new Workflow(Good).Faults());
        Assert.Single(new Workflow(Good.Replace(right, wrong, StringComparison.Ordinal)).Faults());
    }

    [Fact]
    public void What_is_no_yaml_is_found()
    {
        Assert.ThrowsAny<YamlException>(() => new Workflow(Good + "\n  one: again\n one: twice"));
    }

    [Fact]
    public void Everything_that_must_pass_runs_for_every_change()
    {
        var jobs = new Workflow(File.ReadAllText(Path.Combine(Folder, "ci.yml"))).Jobs.ToDictionary(job => job.Name, job => job.Job);

        Assert.Contains(Workflow.CommandsOf(jobs["test"]), command => command.Split('\n').Contains(".ci/run"));
        Assert.Equal(["infra", "psrule", "test", "trivy"], jobs.Keys.Order());
    }

    [Fact]
    public async Task What_is_scanned_is_the_manifests_as_they_are_applied()
    {
        var job = new Workflow(File.ReadAllText(Path.Combine(Folder, "ci.yml"))).Jobs.Single(job => job.Name == "trivy").Job;
        var script = ((YamlScalarNode)Workflow.StepOf(job, "Manifests").Children["run"]).Value!;
        var folder = Directory.CreateTempSubdirectory("mailgrains-workflow-");
        try
        {
            Directory.CreateSymbolicLink(Path.Combine(folder.FullName, "infra"), Path.Combine(Repository.Folder, "infra"));
            using var shell = Process.Start(new ProcessStartInfo("bash", ["-e", "-c", script]) { WorkingDirectory = folder.FullName })!;
            await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
            var files = Directory.GetFiles(Path.Combine(folder.FullName, "rendered"), "*.yaml", SearchOption.AllDirectories);

            Assert.Equal(0, shell.ExitCode);
            Assert.Equal(new ManifestFolder(ManifestFolder.Whole).Files.Count + new ManifestFolder(ManifestFolder.Split).Files.Count, files.Length);
            Assert.All(files, file => Assert.NotEmpty(ManifestFolder.Parse(File.ReadAllText(file))));
            Assert.All(files, file => Assert.DoesNotContain("{{", File.ReadAllText(file), StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_deployment_is_given_what_azure_yaml_names_for_pipelines()
    {
        var job = new Workflow(File.ReadAllText(Path.Combine(Folder, "azure-dev.yml"))).Jobs.Single().Job;
        var pipeline = AzureYaml.Parse(File.ReadAllText(Path.Combine(Repository.Folder, "azure.yaml"))).Pipeline;
        var given = Workflow.VariablesOf(job).Where(v => v.Key.StartsWith("MAILGRAINS_", StringComparison.Ordinal)).ToList();
        var secrets = Workflow.VariablesOf(Workflow.StepOf(job, "Provision")).ToList();

        Assert.Equal(pipeline.Plain.Order(), given.Where(v => v.Value == $"${{{{ vars.{v.Key} }}}}").Select(v => v.Key).Order());
        Assert.Equal(pipeline.Secrets.Order(), secrets.Where(v => v.Value == $"${{{{ secrets.{v.Key} }}}}").Select(v => v.Key).Order());

        // No step gets what only another one needs.
        Assert.DoesNotContain(Workflow.VariablesOf(job), v => v.Value.Contains("secrets.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_deployment_provisions_and_deploys_with_a_token_and_no_secret_of_azure()
    {
        var job = new Workflow(File.ReadAllText(Path.Combine(Folder, "azure-dev.yml"))).Jobs.Single().Job;

        Assert.Contains("--federated-credential-provider github", string.Join('\n', Workflow.CommandsOf(job)), StringComparison.Ordinal);
        Assert.Equal(["azd provision --no-prompt", "azd deploy --no-prompt"], Workflow.CommandsOf(job).TakeLast(2));
        Assert.All(
            Workflow.VariablesOf(job).Where(v => v.Key.StartsWith("AZURE_", StringComparison.Ordinal)),
            variable => Assert.DoesNotContain("secrets.", variable.Value, StringComparison.Ordinal));
        Assert.All(
            Workflow.VariablesOf(job).Where(v => v.Value.StartsWith("${{", StringComparison.Ordinal)),
            variable => Assert.Contains(variable.Value, new[] { $"${{{{ vars.{variable.Key} }}}}", $"${{{{ secrets.{variable.Key} }}}}" }));
    }
}
