using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using MailGrains.Benchmarks.Peer;
using MailGrains.Testing.Hosts;

namespace MailGrains.Benchmarks.Relay;

/// <summary>Postfix's smtp-sink: takes what comes, throws it away, and counts.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private const string Count = "mesg=";
    private const int MaxConnections = 256;

    // It writes its counters at each change: a reader that woke for each would take processor time from what is measured.
    private static readonly TimeSpan ReadPeriod = TimeSpan.FromMilliseconds(5);

    private readonly Process _process;
    private readonly Task _reading;
    private long _messages;

    private SmtpSink(Process process, int port)
    {
        _process = process;
        EndPoint = new IPEndPoint(IPAddress.Loopback, port);
        _reading = ReadAsync();
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Contents that have ended.</summary>
    public long Messages => Interlocked.Read(ref _messages);

    public TimeSpan ProcessorTime => ProcessFigures.Time(_process.Id);

    public static SmtpSink Start()
    {
        var port = FreePort.Choose();
        var connections = MaxConnections.ToString(CultureInfo.InvariantCulture);
        string[] user = Environment.IsPrivilegedProcess ? ["-u", "nobody"] : [];
        string[] arguments = [.. user, "-c", "-m", connections, $"inet:127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}", connections];
        return new SmtpSink(Process.Start(new ProcessStartInfo(PeerProgram.Find("smtp-sink"), arguments) { RedirectStandardOutput = true })!, port);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 16];
        var output = _process.StandardOutput.BaseStream;
        for (var kept = 0; await output.ReadAsync(buffer.AsMemory(kept)) is > 0 and var read;)
        {
            // "sess=1 quit=0 mesg=7" and a carriage return, again and again; the last of them counts.
            var text = Encoding.ASCII.GetString(buffer, 0, kept + read);
            if (text.LastIndexOf('\r') is >= 0 and var end)
            {
                var start = text.LastIndexOf(Count, end, StringComparison.Ordinal) + Count.Length;
                Interlocked.Exchange(ref _messages, long.Parse(text.AsSpan(start, end - start), CultureInfo.InvariantCulture));
                kept = Encoding.ASCII.GetBytes(text, end + 1, text.Length - end - 1, buffer, 0);
            }
            else
            {
                kept += read;
            }

            await Task.Delay(ReadPeriod);
        }
    }
}
