using System.Text.RegularExpressions;
using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>The templates as the compiler sees them, without Azure.</summary>
public sealed partial class TemplateTests(CompiledTemplate compiled) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mailgrains-bicep-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_templates_build_without_a_warning()
    {
        Assert.Equal("", compiled.Answer.Diagnostics);
        Assert.Equal(0, compiled.Answer.ExitCode);
    }

    [Fact]
    public void Every_module_is_used()
    {
        // The compiler looks at what main.bicep leads to.
        var main = File.ReadAllText(Path.Combine(CompiledTemplate.Folder, "main.bicep"));
        var used = ModuleReference().Matches(main).Select(match => match.Groups["path"].Value).Distinct();

        Assert.Equal(
            Directory.EnumerateFiles(Path.Combine(CompiledTemplate.Folder, "modules")).Select(file => $"modules/{Path.GetFileName(file)}").Order(),
            used.Order());
    }

    [Fact]
    public async Task The_templates_are_formatted()
    {
        var files = Directory.GetFiles(CompiledTemplate.Folder, "*.bicep", SearchOption.AllDirectories);
        foreach (var file in files)
        {
            var copy = Path.Combine(_folder.FullName, Path.GetRelativePath(CompiledTemplate.Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        var answer = await BicepProgram.RunAsync(
            TestContext.Current.CancellationToken, "format", "--pattern", Path.Combine(_folder.FullName, "**", "*.bicep"), "--newline-kind", "LF");

        Assert.Equal("", answer.Diagnostics);
        Assert.All(files, file => Assert.Equal(
            File.ReadAllText(Path.Combine(_folder.FullName, Path.GetRelativePath(CompiledTemplate.Folder, file))), File.ReadAllText(file)));
    }

    /// <summary>A change of what would be deployed shows here, and is accepted by <c>bicep snapshot --mode overwrite</c>.</summary>
    [Theory]
    [MemberData(nameof(Snapshot.All), MemberType = typeof(Snapshot))]
    public async Task What_would_be_deployed_is_what_was_accepted(string profile)
    {
        var file = Path.Combine(Repository.Folder, "tests", "MailGrains.Infra.Tests", "Bicep", $"{profile}.bicepparam");

        var answer = await BicepProgram.RunAsync(
            TestContext.Current.CancellationToken,
            ["snapshot", file, "--mode", "validate", "--subscription-id", Snapshot.SubscriptionId, "--tenant-id", Snapshot.TenantId, "--location", "westeurope"]);

        Assert.True(answer.ExitCode == 0, answer.Output + answer.Diagnostics);
    }

    [GeneratedRegex(@"^module \w+ '(?<path>[^']+)'", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex ModuleReference();
}
