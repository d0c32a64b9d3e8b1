using System.Net;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Balancing;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>Several hosts with all roles on one storage account, behind a balancer.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    // Longer than the balancer takes to notice, and than what it has chosen meanwhile takes to arrive.
    private const string Notice = "00:00:05";

    private readonly DataFolder _folder = new();
    private readonly Dictionary<string, string> _settings;
    private readonly List<(string Name, HostProcess Host)> _hosts = [];
    private readonly HashSet<string> _leaving = [];
    private int _started;

    public Fleet(AzuriteAccount account, IReadOnlyDictionary<string, string> settings) =>
        _settings = new(AzureSettings.Of(account).Concat(settings).Append(new("MailGrains:Drain:Notice", Notice)));

    public TcpBalancer Balancer { get; } = new("smtp", "pop3", "http");

    /// <summary>In the order of their starts.</summary>
    public IReadOnlyList<HostProcess> Hosts => [.. _hosts.Select(h => h.Host)];

    public string ApiKey { get; } = Guid.NewGuid().ToString("N");

    /// <summary>A client of all of them.</summary>
    public AdminClient NewAdminClient() => new(Balancer.EndPoint("http"), ApiKey);

    /// <summary>Starts one more and waits until it gets connections.</summary>
    /// <param name="program">Null: the one that was built with the tests.</param>
    public async Task<HostProcess> StartAsync(string? program, CancellationToken cancellationToken)
    {
        var name = $"{(program is null ? "new" : "previous")}-{_started++}";
        var host = await HostProcess.StartAsync(
            new HostOptions { DataFolder = _folder.Path, Settings = _settings, ApiKey = ApiKey, HostAssembly = program ?? Repository.HostAssembly }, cancellationToken);
        _hosts.Add((name, host));
        Balancer.Add(new Backend(
            name, new Uri($"http://{host.Http}/health/ready"),
            new Dictionary<string, IPEndPoint> { ["smtp"] = host.Smtp, ["pop3"] = host.Pop3, ["http"] = host.Http }));
        await Balancer.UntilAsync(name, isReady: true, cancellationToken);
        return host;
    }

    /// <summary>Stops the oldest by SIGTERM, as it is, and waits until it has ended with code 0.</summary>
    /// <param name="announces">False: it refuses connections as soon as it is told to stop, so the balancer is told first.</param>
    /// <param name="hurries">True: nobody uses the service any more, and it is told twice.</param>
    /// <returns>What it took.</returns>
    public async Task<TimeSpan> StopOldestAsync(bool announces = true, bool hurries = false)
    {
        var (name, host) = _hosts[0];
        _hosts.RemoveAt(0);
        _leaving.Add(name);
        await using (host)
        {
            if (!announces)
            {
                await Balancer.RemoveAsync(name);
            }

            var start = System.Diagnostics.Stopwatch.StartNew();
            if (hurries)
            {
                host.Terminate();
            }

            var code = await host.StopAsync();
            await Balancer.RemoveAsync(name);
            Assert.True(code == 0, $"{name} ended with {code}:\n{Troubles(host.Output)}\n…\n{host.Output}");
            Logs.Add((name, host.Output));
            return start.Elapsed;
        }
    }

    /// <summary>What those that have ended wrote.</summary>
    public List<(string Name, string Output)> Logs { get; } = [];

    // Standard error and standard output come each in its own time, so the reason need not stand at the end.
    private static string Troubles(string log) => string.Join('\n', log.Split('\n').Where(line => !line.Contains(" info: ", StringComparison.Ordinal)));

    /// <summary>Nobody was refused, and no process but those that were told to stop was ever found not ready.</summary>
    public void CheckBalancer()
    {
        Assert.Empty(Balancer.Refused);
        Assert.DoesNotContain(
            Balancer.Changes, change => change.Contains(" not ready", StringComparison.Ordinal) && !_leaving.Contains(change[..change.IndexOf(' ', StringComparison.Ordinal)]));
    }

    public async ValueTask DisposeAsync()
    {
        await Balancer.DisposeAsync();
        foreach (var (_, host) in _hosts)
        {
            await host.DisposeAsync();
        }

        _folder.Dispose();
    }
}
