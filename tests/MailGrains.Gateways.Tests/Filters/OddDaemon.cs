using System.Net;
using System.Net.Sockets;

namespace MailGrains.Gateways.Tests.Filters;

/// <summary>Takes connections and answers each as the test says, whatever was asked.</summary>
internal sealed class OddDaemon : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ends = new();
    private readonly Task _serving;

    public OddDaemon(Func<NetworkStream, CancellationToken, Task> answer)
    {
        _listener.Start();
        _serving = ServeAsync(answer);
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    public Uri Url => new($"http://{Address}");

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        _listener.Stop();
        await _serving;
        _ends.Dispose();
    }

    private async Task ServeAsync(Func<NetworkStream, CancellationToken, Task> answer)
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_ends.Token);
                await answer(client.GetStream(), _ends.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or InvalidOperationException)
            {
                // The client has gone, or the test has: a listener that was stopped before it was asked calls that an invalid operation.
            }
        }
    }
}
