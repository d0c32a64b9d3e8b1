using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>A folder of manifests as azd applies it: file by file in the order of their names, those that end in <c>.tmpl.yaml</c> filled in before.</summary>
internal sealed partial class ManifestFolder(string name)
{
    /// <summary>Every pod does everything.</summary>
    public const string Whole = "manifests";

    /// <summary>Edge and grains apart.</summary>
    public const string Split = "manifests-split";

    public static TheoryData<string> All => [Whole, Split];

    private static string PathOf(string name) => Path.Combine(Repository.Folder, "infra", name);

    /// <summary>Name to text, as they stand there.</summary>
    public SortedDictionary<string, string> Files { get; } = new(
        Directory.EnumerateFiles(PathOf(name), "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".yaml", StringComparison.Ordinal) || file.EndsWith(".yml", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetRelativePath(PathOf(name), file), File.ReadAllText),
        StringComparer.Ordinal);

    /// <summary>The variables that the files name.</summary>
    public IEnumerable<string> Variables => Files.Values.SelectMany(text => Placeholder().Matches(text)).Select(match => match.Groups[1].Value).Distinct();

    /// <summary>All objects, in the order in which they are applied.</summary>
    /// <exception cref="InvalidOperationException">A file has another expression than a variable, or one that azd would not fill in.</exception>
    public IReadOnlyList<IKubernetesObject> Objects(IReadOnlyDictionary<string, string> environment) =>
        [.. Files.SelectMany(file => Parse(Render(file.Key, file.Value, environment)))];

    public IReadOnlyList<IKubernetesObject> Objects() => Objects(Deployments.Environment());

    public T Single<T>() => Objects().OfType<T>().Single();

    public IReadOnlyList<V1Deployment> Workloads() => [.. Objects().OfType<V1Deployment>()];

    /// <summary>What every pod of a deployment has in its environment, the settings of all and its own.</summary>
    public Dictionary<string, string> EnvironmentOf(V1Deployment workload, IReadOnlyDictionary<string, string> environment)
    {
        var container = workload.Spec.Template.Spec.Containers.Single();
        var shared = Objects(environment).OfType<V1ConfigMap>().Single(map => map.Metadata.Name == container.EnvFrom.Single().ConfigMapRef.Name);
        var variables = new Dictionary<string, string>(shared.Data, StringComparer.Ordinal);
        foreach (var variable in container.Env)
        {
            variables[variable.Name] = variable.ValueFrom?.FieldRef.FieldPath ?? variable.Value;
        }

        return variables;
    }

    public static IEnumerable<IKubernetesObject> Parse(string text) =>
        KubernetesYaml.LoadAllFromString(text, null, strict: true).Cast<IKubernetesObject>();

    private static string Render(string file, string text, IReadOnlyDictionary<string, string> environment)
    {
        var filled = Placeholder().Replace(text, match => environment.TryGetValue(match.Groups[1].Value, out var value)
            ? value
            : throw new InvalidOperationException($"{file} names {match.Groups[1].Value}, which the environment does not have."));
        if (filled.Contains("{{", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"{file} has an expression that is no variable of the environment.");
        }

        return filled == text || file.EndsWith(".tmpl.yaml", StringComparison.Ordinal)
            ? filled
            : throw new InvalidOperationException($"{file} is no template by its name, so azd would not fill it in.");
    }

    [GeneratedRegex(@"\{\{\.Env\.([A-Z0-9_]+)\}\}", RegexOptions.NonBacktracking)]
    private static partial Regex Placeholder();
}
