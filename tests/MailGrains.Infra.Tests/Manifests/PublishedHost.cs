using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>The published host as a container runs it: in its own folder, as nobody in particular, with the variables that it is given and no others.</summary>
internal sealed class PublishedHost : IAsyncDisposable
{
    private const string ReadyMark = "MailGrains ready ";

    private static readonly TimeSpan ReadyLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly RecentLines _lines = new();
    private readonly Task _reading;

    private PublishedHost(string folder, IReadOnlyDictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(AsAnybody ? "setpriv" : "dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (AsAnybody)
        {
            string[] nobody = [$"--reuid={User}", $"--regid={User}", "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "dotnet"];
            Array.ForEach(nobody, start.ArgumentList.Add);
        }

        start.ArgumentList.Add(Path.Combine(folder, "MailGrains.Host.dll"));
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _reading = ReadAllAsync();
    }

    /// <summary>The user of the pods.</summary>
    public static uint User => 1654;

    /// <summary>Root can be somebody else.</summary>
    private static bool AsAnybody => GetEffectiveUser() == 0;

    /// <summary>Its listeners by their names.</summary>
    public IReadOnlyDictionary<string, IPEndPoint> Endpoints { get; private set; } = new Dictionary<string, IPEndPoint>();

    public string Output => _lines.ToString();

    /// <summary>Whom the process runs as.</summary>
    public uint ActualUser => uint.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1], CultureInfo.InvariantCulture);

    /// <exception cref="InvalidOperationException">It ended, or was not ready in time; the message holds what it wrote.</exception>
    public static async Task<PublishedHost> StartAsync(string folder, IReadOnlyDictionary<string, string> variables, CancellationToken cancellationToken)
    {
        var host = new PublishedHost(folder, variables);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(ReadyLimit);
            var line = await host._lines.WaitAsync(l => l.Contains(ReadyMark, StringComparison.Ordinal), limit.Token);
            host.Endpoints = line[(line.IndexOf(ReadyMark, StringComparison.Ordinal) + ReadyMark.Length)..].Split(' ')
                .Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => IPEndPoint.Parse(pair[1]));
            return host;
        }
        catch (Exception e)
        {
            await host.DisposeAsync();
            throw new InvalidOperationException($"The host did not become ready ({e.Message}):\n{host.Output}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync().WaitAsync(StopLimit);
        await _reading.WaitAsync(StopLimit);
        _process.Dispose();
    }

    private async Task ReadAllAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        _lines.End();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            _lines.Add(line);
        }
    }

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint GetEffectiveUser();
}
