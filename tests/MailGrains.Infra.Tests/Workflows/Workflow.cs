using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace MailGrains.Infra.Tests.Workflows;

/// <summary>A workflow of GitHub, and what is wrong with it.</summary>
internal sealed partial class Workflow
{
    private const int MostMinutes = 120;

    private readonly YamlMappingNode _root;

    /// <exception cref="YamlDotNet.Core.YamlException">It is no YAML, or names something twice.</exception>
    public Workflow(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        _root = (YamlMappingNode)stream.Documents.Single().RootNode;
    }

    public IEnumerable<(string Name, YamlMappingNode Job)> Jobs => Child<YamlMappingNode>(_root, "jobs") is { } jobs
        ? jobs.Children.Select(job => (((YamlScalarNode)job.Key).Value!, (YamlMappingNode)job.Value))
        : [];

    /// <summary>The names and values of a job's or step's own variables.</summary>
    public static IEnumerable<KeyValuePair<string, string>> VariablesOf(YamlMappingNode job) =>
        (Child<YamlMappingNode>(job, "env") ?? []).Children.Select(v => KeyValuePair.Create(((YamlScalarNode)v.Key).Value!, ((YamlScalarNode)v.Value).Value!));

    public static IEnumerable<string> CommandsOf(YamlMappingNode job) => StepsOf(job).Select(step => Text(step, "run")).OfType<string>();

    /// <summary>The step of that name.</summary>
    public static YamlMappingNode StepOf(YamlMappingNode job, string name) => StepsOf(job).Single(step => Text(step, "name") == name);

    /// <summary>What is wrong, in words; empty: nothing.</summary>
    public IEnumerable<string> Faults()
    {
        if (!IsEmpty(_root, "permissions"))
        {
            yield return "The workflow gives permissions to all jobs.";
        }

        if (Child<YamlNode>(_root, "on") is not YamlMappingNode triggers)
        {
            yield return "It has no triggers.";
        }
        else if (Child<YamlNode>(triggers, "pull_request_target") is not null)
        {
            yield return "It runs what strangers wrote with the rights of the repository.";
        }

        foreach (var (name, job) in Jobs)
        {
            foreach (var fault in FaultsOf(job))
            {
                yield return $"{name}: {fault}";
            }
        }

        if (!Jobs.Any())
        {
            yield return "It has no jobs.";
        }
    }

    private static IEnumerable<string> FaultsOf(YamlMappingNode job)
    {
        if (Child<YamlMappingNode>(job, "permissions") is not { } permissions)
        {
            yield return "It has no permissions of its own.";
        }
        else if (permissions.Children.Any(p => ((YamlScalarNode)p.Value).Value == "write" && ((YamlScalarNode)p.Key).Value != "id-token"))
        {
            yield return "It may write.";
        }

        if (!int.TryParse(Text(job, "timeout-minutes"), out var minutes) || minutes is < 1 or > MostMinutes)
        {
            yield return "It has no end, or a late one.";
        }

        foreach (var step in StepsOf(job))
        {
            if (Text(step, "uses") is { } action && !Pinned().IsMatch(action))
            {
                yield return $"{action} may be anything.";
            }

            if (Text(step, "run") is { } command && command.Contains("${{", StringComparison.Ordinal))
            {
                yield return $"'{command}' has text put into it that may be a command.";
            }

            if (Text(step, "uses")?.StartsWith("actions/checkout@", StringComparison.Ordinal) == true &&
                (Child<YamlMappingNode>(step, "with") is not { } with || Text(with, "persist-credentials") != "false"))
            {
                yield return "Its check-out leaves a token on the disk.";
            }
        }
    }

    private static IEnumerable<YamlMappingNode> StepsOf(YamlMappingNode job) =>
        Child<YamlSequenceNode>(job, "steps")?.Children.Cast<YamlMappingNode>() ?? [];

    private static bool IsEmpty(YamlMappingNode node, string name) => Child<YamlMappingNode>(node, name) is { Children.Count: 0 };

    private static string? Text(YamlMappingNode node, string name) => Child<YamlScalarNode>(node, name)?.Value;

    private static T? Child<T>(YamlMappingNode node, string name)
        where T : YamlNode => node.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child as T : null;

    /// <summary>A major version of those who make the platform, and a commit of anybody else.</summary>
    [GeneratedRegex("^((actions|Azure|microsoft)/[a-z-]+@v[0-9]+|[A-Za-z0-9-]+/[a-z-]+@[0-9a-f]{40})$", RegexOptions.NonBacktracking)]
    private static partial Regex Pinned();
}
