using System.Text.RegularExpressions;

namespace MailGrains.Protocols.Tests;

/// <summary>
/// The code says which section it implements, and the README's index says how far each RFC is done; neither may know of one that the other lacks.
/// </summary>
public sealed class RfcIndexTests
{
    private static readonly Regex IndexRow = new(
        @"^\| (?<rfc>\d+) \| [^|]+ \| (?<state>[^|]+) \| (?<sections>[^|\n]*)\|$", RegexOptions.Multiline | RegexOptions.NonBacktracking);

    private static readonly Regex CommentBreak = new(@"[ \t]*\n[ \t]*(///|//)?[ \t]*", RegexOptions.NonBacktracking);

    private static readonly Regex Reference = new(
        @"RFC (?<rfc>\d+)(( and)? (§\d+(\.\d+)*|appendix [A-Z]))*", RegexOptions.NonBacktracking);

    [Fact]
    public void EverySectionThatTheCodeNamesIsInTheIndexAndBack()
    {
        var project = Path.Combine(RepositoryRoot(), "src", "MailGrains.Protocols");
        var readme = File.ReadAllText(Path.Combine(project, "README.md"));
        var index = new Dictionary<string, HashSet<string>>();
        foreach (Match row in IndexRow.Matches(readme))
        {
            Assert.Matches("^(done|partly|not yet|not planned)", row.Groups["state"].Value);
            index.Add(row.Groups["rfc"].Value, [.. row.Groups["sections"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]);
        }

        Assert.NotEmpty(index);
        var sources = Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(project, path).StartsWith("obj", StringComparison.Ordinal)).Select(File.ReadAllText);
        var named = Sections(string.Join('\n', [.. sources, readme[..readme.IndexOf("## RFC index", StringComparison.Ordinal)]]));
        Assert.NotEmpty(named);
        foreach (var (rfc, sections) in named)
        {
            Assert.True(index.TryGetValue(rfc, out var indexed), $"RFC {rfc} is not in the index");
            Assert.Equal([], sections.Except(indexed).Select(section => $"RFC {rfc} §{section} is not in the index"));
        }

        foreach (var (rfc, sections) in index)
        {
            Assert.Equal([], sections.Except(named.GetValueOrDefault(rfc, [])).Select(section => $"RFC {rfc} §{section} is in no comment"));
        }
    }

    private static Dictionary<string, HashSet<string>> Sections(string text)
    {
        var named = new Dictionary<string, HashSet<string>>();

        // A comment may break between the number and the section.
        foreach (Match reference in Reference.Matches(CommentBreak.Replace(text, " ")))
        {
            if (!named.TryGetValue(reference.Groups["rfc"].Value, out var sections))
            {
                named.Add(reference.Groups["rfc"].Value, sections = []);
            }

            var words = reference.Value.Split(' ');
            sections.UnionWith(words.Where(word => word.StartsWith('§')).Select(word => word[1..]));
            sections.UnionWith(words.Where((_, i) => i > 0 && words[i - 1] == "appendix"));
        }

        return named;
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MailGrains.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("MailGrains.sln");
    }
}
