using MailGrains.Infra.Tests.Bicep;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That what the manifests ask azd's environment for is what the deployment says at its end.</summary>
public sealed class VariableTests(CompiledTemplate compiled)
{
    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Every_variable_is_an_output_of_the_deployment(string folder)
    {
        var variables = new ManifestFolder(folder).Variables.ToList();

        Assert.Contains(Deployments.Image, variables);
        Assert.Empty(variables.Except(compiled.Outputs.Keys).Except([Deployments.Image]));
    }

    [Fact]
    public void The_environment_of_the_tests_is_that_of_the_deployment()
    {
        Assert.Equal(compiled.Outputs.Keys.Append(Deployments.Image).Order(), Deployments.Environment().Keys.Order());
    }

    [Fact]
    public void A_variable_that_is_not_there_is_found()
    {
        var environment = Deployments.Environment();
        environment.Remove("MAILGRAINS_STORAGE_URIS");

        var failure = Assert.Throws<InvalidOperationException>(() => new ManifestFolder(ManifestFolder.Whole).Objects(environment));
        Assert.Contains("20-settings.tmpl.yaml names MAILGRAINS_STORAGE_URIS", failure.Message, StringComparison.Ordinal);
    }
}
