using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;

namespace MailGrains.Testing.Hosts;

/// <summary>
/// The host as a process of its own, ready when <see cref="StartAsync(HostOptions, CancellationToken)"/> returns. What it prints is read
/// all the time and its last 2,000 lines are kept. Whatever still runs at the end is killed.
/// </summary>
public sealed class HostProcess : IAsyncDisposable
{
    private const string ReadyMark = "MailGrains ready ";
    private const int TerminateSignal = 15;

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(50);

    // What this process was given for a host of its own is none of the child's business.
    private static readonly string[] ForeignVariables = ["MailGrains__", "ASPNETCORE_", "DOTNET_ENVIRONMENT", "OTEL_"];

    private readonly Process _process;
    private readonly RecentLines _lines = new();
    private readonly Task _reading;
    private Dictionary<string, IPEndPoint> _endpoints = [];

    private HostProcess(HostOptions options)
    {
        Options = options;
        _process = Process.Start(StartInfo(options)) ?? throw new InvalidOperationException("No process was started.");
        Pid = _process.Id;
        _reading = options.LogFile is { } file ? FollowAsync(file) : ReadAllAsync();
    }

    public HostOptions Options { get; }

    /// <summary>The process of the host itself, below its wrapper.</summary>
    public int Pid { get; private set; }

    public IPEndPoint Smtp => Endpoint("smtp");

    public IPEndPoint Submission => Endpoint("submission");

    public IPEndPoint Submissions => Endpoint("submissions");

    public IPEndPoint Pop3s => Endpoint("pop3s");

    public IPEndPoint Pop3 => Endpoint("pop3");

    public IPEndPoint Https => Endpoint("https");

    public IPEndPoint Http => Endpoint("http");

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines that it wrote on standard output and standard error.</summary>
    public string Output => _lines.ToString();

    /// <summary>Bytes in memory.</summary>
    public long WorkingSet => ProcessFigures.WorkingSet(Pid);

    /// <summary>The most bytes in memory since the start, or since <see cref="ResetPeak"/>.</summary>
    public long PeakWorkingSet => ProcessFigures.PeakWorkingSet(Pid);

    public TimeSpan ProcessorTime => ProcessFigures.Time(Pid);

    /// <summary>Starts a host on a folder of its own, with the SQLite store.</summary>
    public static Task<HostProcess> StartAsync(string dataFolder, CancellationToken cancellationToken = default) =>
        StartAsync(new HostOptions { DataFolder = dataFolder }, cancellationToken);

    /// <exception cref="InvalidOperationException">It ended, or it was not ready in time; the message holds what it wrote last.</exception>
    public static async Task<HostProcess> StartAsync(HostOptions options, CancellationToken cancellationToken = default)
    {
        var host = new HostProcess(options);
        try
        {
            await host.BecomeReadyAsync(cancellationToken);
            return host;
        }
        catch (Exception e)
        {
            await host.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            throw new InvalidOperationException($"The host did not become ready ({e.Message}):\n{host.Output}", e);
        }
    }

    /// <summary>One that may never become ready: it runs when this returns, and no more is known.</summary>
    public static HostProcess Launch(HostOptions options) => new(options);

    /// <summary>A client of its admin API, to be disposed of.</summary>
    public AdminClient NewAdminClient() => new(Http, Options.ApiKey);

    /// <summary>The last line kept, or else the next one, that is wanted.</summary>
    /// <exception cref="EndOfStreamException">The process ended without it.</exception>
    public Task<string> WaitForLineAsync(Func<string, bool> wanted, CancellationToken cancellationToken) =>
        _lines.WaitAsync(wanted, cancellationToken);

    public void ResetPeak() => ProcessFigures.ResetPeak(Pid);

    /// <summary>Sends it a signal, such as 19 (SIGSTOP) and 18 (SIGCONT).</summary>
    public void Signal(int signal)
    {
        if (SendSignal(Pid, signal) != 0)
        {
            throw new InvalidOperationException($"The host ({Pid}) took no signal: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    /// <summary>SIGKILL, and waits until the process is gone.</summary>
    public async Task KillAsync()
    {
        Kill();
        await ExitAsync();
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            Signal(9);
        }
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal(TerminateSignal);

    /// <summary>SIGTERM, and waits until it has ended; its exit code.</summary>
    /// <exception cref="TimeoutException">It took longer than two minutes.</exception>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited)
        {
            Terminate();
        }

        return await WaitForExitAsync();
    }

    /// <summary>Waits until it has ended by itself; its exit code.</summary>
    /// <exception cref="TimeoutException">It took longer than two minutes.</exception>
    public async Task<int> WaitForExitAsync()
    {
        await ExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await ExitAsync();
        _process.Dispose();
    }

    private async Task ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(StopLimit);
        await _reading.WaitAsync(StopLimit);
    }

    private async Task BecomeReadyAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Options.ReadyLimit);
        var line = await _lines.WaitAsync(l => l.Contains(ReadyMark, StringComparison.Ordinal), limit.Token);
        _endpoints = line[(line.IndexOf(ReadyMark, StringComparison.Ordinal) + ReadyMark.Length)..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => IPEndPoint.Parse(pair[1]));
        Pid = ProcessFigures.Tree(_process.Id).First(pid => IsHost(pid, Options.HostAssembly));
    }

    private static bool IsHost(int pid, string assembly)
    {
        var words = File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
        return words.Length > 1 && words[1] == assembly;
    }

    private IPEndPoint Endpoint(string name) => _endpoints.TryGetValue(name, out var endpoint)
        ? endpoint
        : throw new InvalidOperationException($"The host has no endpoint '{name}'.");

    private async Task ReadAllAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        _lines.End();
    }

    /// <summary>Reads the file until the host is ready, or has ended.</summary>
    private async Task FollowAsync(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite));
        for (var ready = false; !ready;)
        {
            var ended = _process.HasExited;
            while (!ready && await reader.ReadLineAsync() is { } line)
            {
                _lines.Add(line);
                ready = line.Contains(ReadyMark, StringComparison.Ordinal);
            }

            if (ended && !ready)
            {
                _lines.End();
                return;
            }

            await Task.Delay(ready ? TimeSpan.Zero : LookAgainAfter);
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            _lines.Add(line);
        }
    }

    private static ProcessStartInfo StartInfo(HostOptions options)
    {
        string[] command = [.. options.Wrapper, "dotnet", options.HostAssembly, .. options.Arguments()];
        if (options.LogFile is { } file)
        {
            command = ["sh", "-c", "exec \"$@\" > \"$0\" 2>&1", file, .. command];
        }

        var redirect = options.LogFile is null;
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = redirect, RedirectStandardError = redirect };
        foreach (var name in start.Environment.Keys.Where(IsForeign).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in options.Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static bool IsForeign(string name) => ForeignVariables.Any(v => name.StartsWith(v, StringComparison.OrdinalIgnoreCase));

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int pid, int signal);
}
