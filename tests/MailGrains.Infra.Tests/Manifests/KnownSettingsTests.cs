using System.Net;
using MailGrains.Host;
using MailGrains.Host.Configuration;
using MailGrains.Host.Startup;
using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>That the host knows every setting that a pod is given.</summary>
public sealed class KnownSettingsTests
{
    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void The_host_asks_for_every_setting_of_a_pod(string folder)
    {
        var manifests = new ManifestFolder(folder);
        Assert.Empty(manifests.Workloads().SelectMany(workload => NotAskedFor(manifests.EnvironmentOf(workload, Deployments.Environment()))));
    }

    [Theory]
    [InlineData("MailGrains__Hostname_", "x")]
    [InlineData("MailGrains__Storage__ServiceUri", "https://a.blob.core.windows.net")]
    [InlineData("MailGrains__Relay__Routes__0__Hostname", "smtp.example")]
    [InlineData("MailGrains__Endpoints__SMTPS", "0.0.0.0:465")]
    public void A_setting_that_the_host_does_not_know_is_found(string variable, string value)
    {
        var manifests = new ManifestFolder(ManifestFolder.Whole);
        var environment = manifests.EnvironmentOf(manifests.Workloads().Single(), Deployments.Environment());
        environment[variable] = value;

        Assert.Equal([variable], NotAskedFor(environment));
    }

    [Theory]
    [MemberData(nameof(ManifestFolder.All), MemberType = typeof(ManifestFolder))]
    public void Every_setting_stands_in_the_hosts_table(string folder)
    {
        var table = File.ReadAllLines(Path.Combine(Repository.Folder, "src", "MailGrains.Host", "README.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split(" | ")[0]).SelectMany(NamesIn).ToHashSet();
        var manifests = new ManifestFolder(folder);
        var settings = manifests.Workloads().SelectMany(workload => manifests.EnvironmentOf(workload, Deployments.Environment()).Keys)
            .Where(SettingsTests.IsOurs).Select(variable => WithoutNumbers(Configured.NameOf(variable))).Append(Telemetry.AzureMonitorSetting).Distinct().ToList();

        Assert.NotEmpty(settings);
        Assert.Empty(settings.Except(table));
    }

    /// <summary>Reads all that the host reads of its configuration.</summary>
    private static IEnumerable<string> NotAskedFor(IReadOnlyDictionary<string, string> environment)
    {
        var configured = new Configured(environment, IPAddress.Loopback);
        var configuration = configured.Build();
        SettingsTests.ReadAll(configuration);
        Providers.ReadVault(new SettingsReader(configuration));
        return environment.Keys.Where(SettingsTests.IsOurs).Where(variable => !configured.Asked.Contains(Configured.NameOf(variable)));
    }

    private static string WithoutNumbers(string name) =>
        string.Join(':', name.Split(':').Select(part => part.Length > 0 && part.All(char.IsAsciiDigit) ? "N" : part));

    /// <summary>The names of a row's first cell: <c>`MailGrains:A:N:B:0…`, `:C` or `:D`</c> is A:N:B:N, A:N:C and A:N:D.</summary>
    private static IEnumerable<string> NamesIn(string cell)
    {
        var stem = "";
        foreach (var word in cell.Split('`').Where((_, i) => i % 2 == 1))
        {
            var name = WithoutNumbers(word.TrimEnd('…'));
            if (name.StartsWith(':'))
            {
                yield return stem + name;
                continue;
            }

            var one = name.EndsWith(":N", StringComparison.Ordinal) ? name[..^2] : name;
            stem = one[..Math.Max(0, one.LastIndexOf(':'))];
            yield return name;
        }
    }
}
