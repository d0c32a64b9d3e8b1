using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Testing.Daemons;

/// <summary>
/// ClamAV's daemon with one signature, made here; on a port and on a socket. One for an assembly:
/// <c>[assembly: AssemblyFixture(typeof(ClamdServer))]</c>; the first who needs it starts it.
/// </summary>
public sealed class ClamdServer : IAsyncDisposable
{
    /// <summary>What the signature finds.</summary>
    public const string Virus = "MAILGRAINS-TEST-VIRUS-8F31";

    /// <summary>What it is called; clamd marks signatures that are not its makers'.</summary>
    public const string Signature = "MailGrains.Test.UNOFFICIAL";

    /// <summary>The most that it takes of a stream.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    private readonly DaemonProcess _process = new("clamd");
    private readonly Lazy<Task<IPEndPoint>> _started;

    public ClamdServer() => _started = new(StartAsync);

    /// <summary>Where it answers; the test is skipped where it is not installed.</summary>
    public Task<IPEndPoint> AddressAsync()
    {
        DebianProgram.Require("clamd", "clamav-daemon");
        return _started.Value;
    }

    public async Task<UnixDomainSocketEndPoint> SocketAsync()
    {
        await AddressAsync();
        return new UnixDomainSocketEndPoint(Path.Combine(_process.Folder, "socket"));
    }

    /// <inheritdoc cref="DaemonProcess.Freeze"/>
    public IDisposable Freeze() => _process.Freeze();

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<IPEndPoint> StartAsync()
    {
        var address = new IPEndPoint(IPAddress.Loopback, FreePort.Choose());
        _process.WriteFile("database/test.ndb", $"MailGrains.Test:0:*:{Convert.ToHexString(Encoding.ASCII.GetBytes(Virus))}\n");
        var configuration = _process.WriteFile("clamd.conf", string.Create(CultureInfo.InvariantCulture, $"""
            Foreground yes
            DatabaseDirectory {_process.Folder}/database
            TemporaryDirectory {_process.Folder}
            LocalSocket {_process.Folder}/socket
            TCPSocket {address.Port}
            TCPAddr 127.0.0.1
            StreamMaxLength {MaxBytes}

            """));
        await _process.StartAsync(
            DebianProgram.Require("clamd", "clamav-daemon"), ["--config-file=" + configuration], cancel => IsAnsweringAsync(address, cancel));
        return address;
    }

    private static async Task<bool> IsAnsweringAsync(IPEndPoint address, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address, cancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync("zPING\0"u8.ToArray(), cancellationToken);
        var answer = new byte[5];
        await stream.ReadExactlyAsync(answer, cancellationToken);
        return answer.AsSpan().SequenceEqual("PONG\0"u8);
    }
}
