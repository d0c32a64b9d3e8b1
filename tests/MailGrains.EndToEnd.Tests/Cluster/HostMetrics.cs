using System.Globalization;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>What a host's <c>/metrics</c> said at one moment, at most a third of a second old: the exporter keeps its answer so long.</summary>
internal sealed class HostMetrics
{
    // name{label="value",…} number
    private readonly string[] _samples;

    private HostMetrics(string text) => _samples = [.. text.Split('\n').Where(l => l.Length > 0 && l[0] != '#')];

    public static async Task<HostMetrics> ReadAsync(AdminClient admin, CancellationToken cancellationToken) =>
        new(await admin.GetAsync("metrics", cancellationToken));

    /// <summary>The sum of the samples of that name that have all of these labels, such as <c>outcome="committed"</c>.</summary>
    public long Sum(string name, params string[] labels) => (long)_samples
        .Where(s => s.StartsWith(name + "{", StringComparison.Ordinal) && labels.All(l => s.Contains(l, StringComparison.Ordinal)))
        .Sum(s => double.Parse(s.AsSpan(s.LastIndexOf('}') + 1).Trim(), CultureInfo.InvariantCulture));

    /// <summary>The values that one label has in the samples of that name.</summary>
    public IEnumerable<string> LabelsOf(string name, string label) => _samples
        .Where(s => s.StartsWith(name + "{", StringComparison.Ordinal))
        .Select(s => s[(s.IndexOf(label + "=\"", StringComparison.Ordinal) + label.Length + 2)..])
        .Select(s => s[..s.IndexOf('"', StringComparison.Ordinal)]);
}
