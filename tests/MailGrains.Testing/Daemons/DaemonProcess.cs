using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace MailGrains.Testing.Daemons;

/// <summary>
/// A daemon in the foreground, with its data in a folder of its own. It and its children are one process group, which is killed at the end, or
/// when this process ends in any way: a shell beside it reads our end of a pipe.
/// </summary>
public sealed class DaemonProcess : IAsyncDisposable
{
    private const int SigCont = 18;
    private const int SigStop = 19;

    private const int MaxOutputChars = 64 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<int> _group = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? _shell;

    public DaemonProcess(string name) => Folder = Directory.CreateTempSubdirectory($"mailgrains-{name}-").FullName;

    public string Folder { get; }

    public string WriteFile(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Starts it and waits until <paramref name="answers"/> returns true; an exception of a refused connection counts as false.</summary>
    public async Task StartAsync(string program, IReadOnlyList<string> arguments, Func<CancellationToken, Task<bool>> answers)
    {
        const string Script = "setsid \"$@\" </dev/null 2>&1 & echo $!; read -r _; kill -9 -$!";
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", Script, "sh", program },
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _shell = new Process { StartInfo = start };
        _shell.OutputDataReceived += (_, e) => Take(e.Data);
        _shell.ErrorDataReceived += (_, e) => Take(e.Data);
        _shell.Start();
        _shell.BeginOutputReadLine();
        _shell.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await _group.Task.WaitAsync(limit.Token);
            while (!await IsAnsweringAsync(answers, limit.Token))
            {
                await Task.Delay(Pause, limit.Token);
            }
        }
        catch (OperationCanceledException e)
        {
            throw new InvalidOperationException($"{program} did not start:\n{Output}", e);
        }
    }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Stops the processes as they are (SIGSTOP) until the answer is disposed of: connections are taken by the kernel, and nothing answers.</summary>
    public IDisposable Freeze() => new Frozen(_group.Task.Result);

    public async ValueTask DisposeAsync()
    {
        if (_shell is { } shell)
        {
            shell.StandardInput.Close();
            await shell.WaitForExitAsync().WaitAsync(Limit);
            shell.Dispose();
            _shell = null;
        }

        Directory.Delete(Folder, recursive: true);
    }

    private static async Task<bool> IsAnsweringAsync(Func<CancellationToken, Task<bool>> answers, CancellationToken cancellationToken)
    {
        try
        {
            return await answers(cancellationToken);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or HttpRequestException or IOException)
        {
            return false;
        }
    }

    private void Take(string? line)
    {
        if (line is null || (!_group.Task.IsCompleted && int.TryParse(line, CultureInfo.InvariantCulture, out var group) && _group.TrySetResult(group)))
        {
            return;
        }

        lock (_output)
        {
            if (_output.Length < MaxOutputChars)
            {
                _output.AppendLine(line);
            }
        }
    }

    private static void Signal(int group, int signal)
    {
        if (Kill(-group, signal) != 0)
        {
            throw new InvalidOperationException($"Process group {group} took no signal: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);

    private sealed class Frozen : IDisposable
    {
        private readonly int _group;

        public Frozen(int group)
        {
            _group = group;
            Signal(group, SigStop);
        }

        public void Dispose() => Signal(_group, SigCont);
    }
}
