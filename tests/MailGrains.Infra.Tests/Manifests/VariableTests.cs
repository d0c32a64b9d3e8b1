namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That what the manifests ask azd's environment for is what the deployment says at its end.</summary>
public sealed class VariableTests
{
    [Fact]
    public void A_variable_that_is_not_there_is_found()
    {
        var environment = Deployments.Environment();
        environment.Remove("MAILGRAINS_STORAGE_URIS");

        var failure = Assert.Throws<InvalidOperationException>(() => new ManifestFolder(ManifestFolder.Whole).Objects(environment));
        Assert.Contains("20-settings.tmpl.yaml names MAILGRAINS_STORAGE_URIS", failure.Message, StringComparison.Ordinal);
    }
}
