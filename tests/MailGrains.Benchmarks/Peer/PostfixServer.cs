using System.Diagnostics;
using System.Net;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Peer;

/// <summary>A Postfix of a run's own. Needs root, since it changes its users.</summary>
internal sealed class PostfixServer : IAsyncDisposable
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan DeliveryLimit = TimeSpan.FromMinutes(5);

    // In the order in which a message goes through them, so that none is overlooked on its way to the next.
    private static readonly string[] QueuesInUse = ["incoming", "active"];

    private readonly PostfixConfiguration _configuration;

    private PostfixServer(PostfixConfiguration configuration, int port, int master, string settings)
    {
        (_configuration, Smtp, Master, Settings) = (configuration, new IPEndPoint(IPAddress.Loopback, port), master, settings);
    }

    public IPEndPoint Smtp { get; }

    /// <summary>The process that started all others of it.</summary>
    public int Master { get; }

    /// <summary>As it tells them itself.</summary>
    public string Settings { get; }

    public string Log => _configuration.Log;

    public TimeSpan ProcessorTime => ProcessFigures.TimeOfTree(Master);

    /// <param name="prepare">Makes what its configuration names.</param>
    public static async Task<PostfixServer> StartAsync(
        PostfixConfiguration configuration, CancellationToken cancellationToken, Func<Task>? prepare = null, ServerCertificate? certificate = null)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new ArgumentException("The peer needs root: it changes its users.");
        }

        var port = FreePort.Choose();
        configuration.Write(port, certificate);
        await ExternalProgram.RunAsync(PeerProgram.Find("postfix"), ["-c", configuration.Folder, "check"], cancellationToken);
        await (prepare?.Invoke() ?? Task.CompletedTask);
        var settings = await ExternalProgram.RunAsync(PeerProgram.Find("postconf"), ["-n", "-c", configuration.Folder], cancellationToken);
        await ExternalProgram.RunAsync(PeerProgram.Find("postfix"), ["-c", configuration.Folder, "start"], cancellationToken);
        return new PostfixServer(configuration, port, await configuration.ReadMasterPidAsync(cancellationToken), settings);
    }

    /// <summary>Returns when it has handed over all that it accepted.</summary>
    public async Task AllDeliveredAsync(CancellationToken cancellationToken)
    {
        var waiting = Stopwatch.StartNew();
        while (QueuesInUse.Any(q => Directory.EnumerateFiles(Path.Combine(_configuration.Queue, q)).Any()))
        {
            if (waiting.Elapsed > DeliveryLimit)
            {
                throw new TimeoutException($"Postfix still holds messages; see {Log}.");
            }

            await Task.Delay(PollPeriod, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync() =>
        await ExternalProgram.RunAsync(PeerProgram.Find("postfix"), ["-c", _configuration.Folder, "stop"], CancellationToken.None);
}
