using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Testing.Azure;

/// <summary>
/// An HTTP proxy that tunnels (CONNECT, RFC 9110 §9.3.6) to ports of this machine by the name that is asked for, so that a process reaches the doubles of
/// Azure's services under these services' own names (<c>HTTPS_PROXY</c>), and nothing else.
/// </summary>
public sealed class ConnectProxy : IAsyncDisposable
{
    private const int MaxHeadBytes = 8 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<string, int?> _portOf;
    private readonly Task _accepting;

    /// <param name="portOf">A host name's port on loopback; null: refused.</param>
    public ConnectProxy(Func<string, int?> portOf)
    {
        _portOf = portOf;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Uri => new($"http://{_listener.LocalEndpoint}");

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token));
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var served = client;
        using var server = new TcpClient { NoDelay = true };
        client.NoDelay = true;
        try
        {
            var asked = (await ReadHeadAsync(client.GetStream())).Split(' ', 3);
            if (asked is not ["CONNECT", var authority, _] || _portOf(authority.Split(':')[0]) is not { } port)
            {
                await client.GetStream().WriteAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _stopping.Token);
                return;
            }

            await server.ConnectAsync(IPAddress.Loopback, port, _stopping.Token);
            await client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), _stopping.Token);
            await Task.WhenAny(
                client.GetStream().CopyToAsync(server.GetStream(), _stopping.Token), server.GetStream().CopyToAsync(client.GetStream(), _stopping.Token));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // One end is gone, or the test is over.
        }
    }

    // A byte at a time: what follows the head is the tunnel's.
    private async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var (head, octet) = (new StringBuilder(), new byte[1]);
        while (head.Length < MaxHeadBytes && await stream.ReadAsync(octet, _stopping.Token) > 0)
        {
            head.Append((char)octet[0]);
            if (head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n")
            {
                return head.ToString();
            }
        }

        throw new IOException("That was no request.");
    }
}
