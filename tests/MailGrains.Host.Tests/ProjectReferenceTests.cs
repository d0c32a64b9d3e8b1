using System.Xml.Linq;
using MailGrains.Testing.Hosts;

namespace MailGrains.Host.Tests;

/// <summary>Holds the table of allowed references of src/README.md against the project files.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Protocols"] = [],
        ["Messages"] = [],
        ["Contracts"] = [],
        ["Storage"] = ["Contracts"],
        ["Storage.Azure"] = ["Storage", "Contracts"],
        ["Storage.Sqlite"] = ["Storage", "Contracts"],
        ["Grains"] = ["Contracts", "Storage", "Messages", "Protocols"],
        ["Gateways"] = ["Contracts", "Storage", "Messages", "Protocols"],
        ["Web"] = ["Contracts", "Storage", "Messages"],
        ["Host"] = ["Protocols", "Messages", "Contracts", "Storage", "Storage.Azure", "Storage.Sqlite", "Grains", "Gateways", "Web"],
    };

    private static string Sources => Path.Combine(Repository.Folder, "src");

    public static TheoryData<string> Projects => [.. Directory.EnumerateFiles(Sources, "*.csproj", SearchOption.AllDirectories).Select(NameOf)];

    [Fact]
    public void Every_project_stands_in_the_table()
    {
        Assert.Equal(Allowed.Keys.Order(), Projects.Select(p => p.Data).Order());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_to_allowed_projects_only(string project)
    {
        var references = Items(project, "ProjectReference").Select(NameOf);

        Assert.Empty(references.Except(Allowed.GetValueOrDefault(project, [])));
    }

    [Fact]
    public void Protocols_uses_no_package_and_no_framework()
    {
        Assert.Empty(Items("Protocols", "PackageReference"));
        Assert.Empty(Items("Protocols", "FrameworkReference"));
    }

    [Fact]
    public void Messages_uses_no_Orleans()
    {
        Assert.DoesNotContain(Items("Messages", "PackageReference"), package => package.Contains("Orleans", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void No_source_refers_to_a_test_project()
    {
        var tests = Path.Combine(Repository.Folder, "tests");
        Assert.DoesNotContain(
            Projects.SelectMany(p => Items(p.Data, "ProjectReference").Select(r => Path.GetFullPath(r, Path.Combine(Sources, $"MailGrains.{p.Data}")))),
            path => path.StartsWith(tests, StringComparison.Ordinal));
    }

    private static string NameOf(string path) =>
        Path.GetFileNameWithoutExtension(path.Replace('\\', '/')).Replace("MailGrains.", "", StringComparison.Ordinal);

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(Path.Combine(Sources, $"MailGrains.{project}", $"MailGrains.{project}.csproj"))
            .Descendants(kind).Select(item => item.Attribute("Include")!.Value);
}
