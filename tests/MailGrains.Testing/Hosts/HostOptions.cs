using System.Globalization;
using System.Security.Cryptography;

namespace MailGrains.Testing.Hosts;

/// <summary>
/// How a <see cref="HostProcess"/> is started. The endpoints take any free port at each start; the ports of the cluster are chosen once
/// an instance, so that a host started again from the same options is found again at once by Orleans, as it is in production.
/// </summary>
public sealed class HostOptions
{
    /// <summary>The folder of the SQLite store.</summary>
    public required string DataFolder { get; init; }

    /// <summary>More settings, and others than the ones chosen here: <c>MailGrains:Section:Key</c> to value.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Variables of its environment; what this process has of the host's own is left out.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The program: the one that was built with this test, unless it is to be an earlier one.</summary>
    public string HostAssembly { get; init; } = Repository.HostAssembly;

    /// <summary>A command that runs the command that follows it, such as <c>strace -f -o file</c> or <c>unshare -Urm sh -c 'exec "$@"' sh</c>.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>
    /// Where its output goes, as a service's does; null: to this process, which then reads every line. With a file the lines up to its readiness
    /// are read and no others: a reader that is woken for each line takes processor time from what is measured.
    /// </summary>
    public string? LogFile { get; init; }

    /// <summary>How long it may take until it is ready.</summary>
    public TimeSpan ReadyLimit { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>The bearer key of the admin API.</summary>
    public string ApiKey { get; init; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public int SiloPort { get; init; } = FreePort.Choose();

    public int GatewayPort { get; init; } = FreePort.Choose();

    internal IEnumerable<string> Arguments()
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["MailGrains:Storage:Path"] = DataFolder,
            ["MailGrains:Endpoints:Smtp"] = "127.0.0.1:0",
            ["MailGrains:Endpoints:Submission"] = "127.0.0.1:0",
            ["MailGrains:Endpoints:Submissions"] = "127.0.0.1:0",
            ["MailGrains:Endpoints:Pop3"] = "127.0.0.1:0",
            ["MailGrains:Endpoints:Pop3s"] = "127.0.0.1:0",
            ["MailGrains:Endpoints:Http"] = "127.0.0.1:0",
            ["MailGrains:Cluster:SiloPort"] = SiloPort.ToString(CultureInfo.InvariantCulture),
            ["MailGrains:Cluster:GatewayPort"] = GatewayPort.ToString(CultureInfo.InvariantCulture),
            ["MailGrains:Admin:ApiKey"] = ApiKey,
            ["MailGrains:Demo:Enabled"] = "false",
        };
        foreach (var (name, value) in Settings)
        {
            settings[name] = value;
        }

        return settings.Select(s => $"--{s.Key}={s.Value}");
    }
}
