using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using MailGrains.Testing.Azure;

namespace MailGrains.Testing.Azurite;

/// <summary>
/// An Azurite process of its own, on free ports, with its data in a folder of its own. It has many storage accounts
/// (<see cref="NewAccount"/>), so that tests on one server share nothing. It keeps what it was given over <see cref="StopAsync"/> and
/// <see cref="StartAgainAsync"/>; it loses data when it is killed, which is why that is not offered. The process ends with this one,
/// even when this one is killed.
/// </summary>
public sealed class AzuriteServer : IAsyncDisposable
{
    private const int AccountCount = 200;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly string _script;
    private readonly string _folder;
    private readonly AzuriteAccount[] _accounts;
    private int _taken;
    private Process? _process;

    private AzuriteServer(string script)
    {
        _script = script;
        _folder = Directory.CreateTempSubdirectory("mailgrains-azurite-").FullName;
        _accounts = [.. Enumerable.Range(0, AccountCount).Select(i => AzuriteAccount.Make(this, i))];
    }

    public int BlobPort { get; private set; }

    public int TablePort { get; private set; }

    /// <summary>
    /// From its next start on: https by a certificate of this authority, for the names that accounts have in Azure and for loopback, and access tokens
    /// (<see cref="AccessTokens"/>); null: plain http and keys.
    /// </summary>
    public TestAuthority? Authority { get; set; }

    /// <summary>The connection string of an account that all users of this server share; see <see cref="NewAccount"/>.</summary>
    public string ConnectionString => _accounts[0].ConnectionString;

    /// <summary>An account that nobody else has.</summary>
    public AzuriteAccount NewAccount()
    {
        var next = Interlocked.Increment(ref _taken);
        return next < AccountCount ? _accounts[next] : throw new InvalidOperationException("This Azurite has no more accounts.");
    }

    public static Task<AzuriteServer> StartAsync(CancellationToken cancellationToken = default) => StartAsync(authority: null, cancellationToken);

    /// <param name="authority"><see cref="Authority"/></param>
    public static async Task<AzuriteServer> StartAsync(TestAuthority? authority, CancellationToken cancellationToken = default)
    {
        var server = new AzuriteServer(FindScript()) { Authority = authority };
        try
        {
            await server.LaunchAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the process by SIGTERM and waits until it has written its data.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process)
        {
            return;
        }

        if (!process.HasExited && Kill(process.Id, 15) != 0 && !process.HasExited)
        {
            throw new InvalidOperationException($"Azurite ({process.Id}) took no signal: error {Marshal.GetLastPInvokeError()}.");
        }

        await process.WaitForExitAsync().WaitAsync(StopLimit);
        process.Dispose();
        _process = null;
    }

    /// <summary>Starts it again, on the same ports and data.</summary>
    public Task StartAgainAsync(CancellationToken cancellationToken = default) => _process is null
        ? LaunchAsync(cancellationToken)
        : throw new InvalidOperationException("Azurite runs already.");

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync().WaitAsync(StopLimit);
            process.Dispose();
            _process = null;
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        while (true)
        {
            var lines = Channel.CreateUnbounded<string?>();
            var process = Spawn(lines.Writer);
            _process = process;
            var output = new StringBuilder();
            while (await lines.Reader.ReadAsync(limit.Token) is { } line)
            {
                output.AppendLine(line);
                BlobPort = PortIn(line, "Blob") ?? BlobPort;
                if (PortIn(line, "Table") is { } port)
                {
                    TablePort = port;
                    await ConnectAsync(BlobPort, limit.Token);
                    await ConnectAsync(TablePort, limit.Token);
                    return;
                }
            }

            await process.WaitForExitAsync(limit.Token);
            process.Dispose();
            _process = null;
            if (!output.ToString().Contains("EADDRINUSE", StringComparison.Ordinal))
            {
                throw new InvalidOperationException("Azurite did not start:\n" + output);
            }

            // A port of the first start serves somebody's outgoing connection just now.
            await Task.Delay(200, limit.Token);
        }
    }

    private Process Spawn(ChannelWriter<string?> lines)
    {
        string Port(int port) => port.ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("node")
        {
            // However this process ends, its child gets another parent by that, and stops.
            ArgumentList =
            {
                "--import", "data:text/javascript,const p=process.ppid;setInterval(()=>process.ppid===p||process.exit(0),500).unref()", _script,
                "--blobPort", Port(BlobPort), "--tablePort", Port(TablePort), "--queuePort", "0",
                "--location", _folder, "--silent", "--skipApiVersionCheck", "--disableTelemetry",
            },
            Environment = { ["AZURITE_ACCOUNTS"] = string.Join(';', _accounts.Select(a => $"{a.Name}:{a.Key}")) },
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Authority is not null)
        {
            var (certificate, key) = Authority.Issue("azurite", "*.blob.core.windows.net", "127.0.0.1");
            Array.ForEach(["--oauth", "basic", "--cert", certificate, "--key", key], start.ArgumentList.Add);
        }

        var process = new Process { StartInfo = start };
        var open = 2;
        void Take(string? line)
        {
            if (line is not null || Interlocked.Decrement(ref open) == 0)
            {
                lines.TryWrite(line);
            }
        }

        process.OutputDataReceived += (_, e) => Take(e.Data);
        process.ErrorDataReceived += (_, e) => Take(e.Data);
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException("The tests need Node ('node' in PATH) for Azurite.", e);
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static int? PortIn(string line, string service)
    {
        const string Listening = " service is successfully listening at http";
        return line.Contains(service + Listening, StringComparison.Ordinal)
            ? int.Parse(line.AsSpan(line.LastIndexOf(':') + 1), CultureInfo.InvariantCulture)
            : null;
    }

    private static async Task ConnectAsync(int port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
    }

    private static string FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MailGrains.sln")))
            {
                var script = Path.Combine(folder.FullName, "tests", "node_modules", "azurite", "dist", "src", "azurite.js");
                return File.Exists(script) ? script : throw new InvalidOperationException(
                    "Azurite is not installed: run ./tests/run once, or npm ci --prefix tests.");
            }
        }

        throw new InvalidOperationException($"The repository was not found above {AppContext.BaseDirectory}.");
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
