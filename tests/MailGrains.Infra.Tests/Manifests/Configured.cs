using System.Net;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>A pod's environment as the host's configuration reads it, and what of it was asked for.</summary>
internal sealed class Configured(IReadOnlyDictionary<string, string> environment, IPAddress podAddress) : ConfigurationProvider, IConfigurationSource
{
    private const string PodAddress = "status.podIP";

    /// <summary>The names that somebody wanted the value of.</summary>
    public HashSet<string> Asked { get; } = new(StringComparer.OrdinalIgnoreCase);

    public static IConfiguration By(IReadOnlyDictionary<string, string> environment, IPAddress podAddress) =>
        new Configured(environment, podAddress).Build();

    public static string NameOf(string variable) => variable.Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal);

    public IConfiguration Build() => new ConfigurationBuilder().Add(this).Build();

    IConfigurationProvider IConfigurationSource.Build(IConfigurationBuilder builder) => this;

    public override void Load() => Data = environment.ToDictionary(
        variable => NameOf(variable.Key), string? (variable) => variable.Value == PodAddress ? podAddress.ToString() : variable.Value,
        StringComparer.OrdinalIgnoreCase);

    public override bool TryGet(string key, out string? value)
    {
        Asked.Add(key);
        return base.TryGet(key, out value);
    }
}
