using System.Globalization;
using System.Net;
using MailGrains.Testing.Hosts;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>The host as in production, on its SQLite store.</summary>
internal sealed class MailGrainsServer : IMailServer
{
    public const string Tenant = "bench";
    private const string Password = "delivered to be counted";
    private const string Commits = "mailgrains_storage_commits_total";

    private readonly HostProcess _host;
    private readonly AdminClient _admin;

    private MailGrainsServer(HostProcess host)
    {
        _host = host;
        _admin = host.NewAdminClient();
    }

    public string Name => "MailGrains";

    public string Settings => "Release build, settings of production, SQLite store, one process with all roles";

    public IPEndPoint Smtp => _host.Smtp;

    public TimeSpan ProcessorTime => _host.ProcessorTime;

    /// <summary>Bytes in memory now.</summary>
    public long WorkingSet => _host.WorkingSet;

    public long Memory => _host.PeakWorkingSet;

    public static async Task<MailGrainsServer> StartAsync(
        string folder, CancellationToken cancellationToken, IReadOnlyDictionary<string, string>? settings = null)
    {
        Directory.CreateDirectory(folder);
        var options = new HostOptions { DataFolder = Path.Combine(folder, "data"), LogFile = Path.Combine(folder, "log"), Settings = settings ?? new Dictionary<string, string>() };
        return new MailGrainsServer(await HostProcess.StartAsync(options, cancellationToken));
    }

    public void ResetMemory() => _host.ResetPeak();

    public Task AddMailboxesAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken) =>
        _admin.PutMailboxesAsync(Tenant, addresses, Password, cancellationToken);

    /// <summary>Its 250 says so already.</summary>
    public Task AllDeliveredAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<long> CountAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken) =>
        Pop3Count.SumAsync(_host.Pop3, addresses, Password, cancellationToken);

    public async Task<long?> CommittedAsync(CancellationToken cancellationToken) => await SumAsync(Commits, "outcome=\"committed\"", cancellationToken);

    /// <summary>The sum of a metric's samples with a label; a third of a second old at most.</summary>
    public async Task<long> SumAsync(string metric, string label, CancellationToken cancellationToken) =>
        (long)(await _admin.GetAsync("metrics", cancellationToken)).Split('\n')
            .Where(l => l.StartsWith(metric + "{", StringComparison.Ordinal) && l.Contains(label, StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));

    public Task RetryQueuesAsync(CancellationToken cancellationToken) => _admin.RetryQueuesAsync(Tenant, cancellationToken);

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => _host.KillAsync();

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _host.DisposeAsync();
    }
}
