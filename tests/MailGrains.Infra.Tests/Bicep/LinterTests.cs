using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>That the compiler knows Azure's types, and that <c>infra/bicepconfig.json</c> makes errors of what the linter finds.</summary>
public sealed class LinterTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mailgrains-bicep-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_the_linter_finds_is_an_error_and_what_a_resource_does_not_have_is_found()
    {
        var answer = await BuildAsync("""
            param unused string

            @secure()
            param password string = 'open sesame'

            resource address 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
              name: 'pip'
              location: 'westeurope'
              properties: { publicIPAllocationMethod: 'Static', publicIPAllocationMethd: 'Static' }
            }

            output told string = password
            """);

        string[] rules = ["no-unused-params", "secure-parameter-default", "no-hardcoded-location", "outputs-should-not-contain-secrets"];
        Assert.All(rules, rule => Assert.Contains($": Error {rule}", answer.Diagnostics, StringComparison.Ordinal));
        Assert.Contains("Warning BCP037", answer.Diagnostics, StringComparison.Ordinal);
        Assert.NotEqual(0, answer.ExitCode);
    }

    private async Task<BicepAnswer> BuildAsync(string template)
    {
        var file = Path.Combine(_folder.FullName, "main.bicep");
        await File.WriteAllTextAsync(file, template + "\n", TestContext.Current.CancellationToken);
        File.Copy(Path.Combine(Repository.Folder, "infra", "bicepconfig.json"), Path.Combine(_folder.FullName, "bicepconfig.json"));
        return await BicepProgram.RunAsync(TestContext.Current.CancellationToken, "build", file, "--stdout");
    }
}
