using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Testing.Faults;

/// <summary>
/// A TCP proxy in front of a service on loopback, for failures that only a network makes. It can lose replies: the request goes through
/// and is carried out, but at the first byte of the answer the client's connection is closed, so that the client can't tell whether it was
/// (<see cref="LoseReplies"/>). It can hold replies back (<see cref="HoldReplies"/>). Disposed, it refuses connections.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly Func<int> _target;
    private readonly Task _accepting;
    private volatile TaskCompletionSource? _released;
    private volatile TaskCompletionSource? _held;
    private int _repliesToLose;
    private int _lostReplies;
    private bool _disposed;

    /// <param name="target">The port of the service; asked for at each connection.</param>
    public TcpProxy(Func<int> target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>How many replies have been lost so far.</summary>
    public int LostReplies => Volatile.Read(ref _lostReplies);

    /// <summary>Loses the next replies, on whatever connection they come.</summary>
    public void LoseReplies(int count = 1) => Volatile.Write(ref _repliesToLose, count);

    /// <summary>Holds every reply back from now on. The answered task ends when the first one is there.</summary>
    public Task HoldReplies()
    {
        _released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = held;
        return held.Task;
    }

    /// <summary>Lets go of the replies that are held back, and holds no more.</summary>
    public void ReleaseReplies()
    {
        var released = _released;
        _released = null;
        released?.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _stopped.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _stopped.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopped.IsCancellationRequested)
        {
            try
            {
                var connection = ServeAsync(await _listener.AcceptSocketAsync(_stopped.Token));
                _connections[connection] = true;
                _ = connection.ContinueWith(t => _connections.TryRemove(t, out _), TaskScheduler.Default);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // The end, or a client that went before it was accepted.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target(), ended.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                return;
            }

            Task[] directions = [CopyAsync(client, server, replies: false, ended.Token), CopyAsync(server, client, replies: true, ended.Token)];
            await Task.WhenAny(directions);
            await ended.CancelAsync();
            await Task.WhenAll(directions);
        }
    }

    private async Task CopyAsync(Socket from, Socket to, bool replies, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, cancellationToken) is var read and > 0)
            {
                if (replies && _released is { } released)
                {
                    _held?.TrySetResult();
                    await released.Task.WaitAsync(cancellationToken);
                }

                if (replies && TakeLoss())
                {
                    return;
                }

                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), cancellationToken);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Either end is gone, and so is the connection.
        }
    }

    private bool TakeLoss()
    {
        for (var left = Volatile.Read(ref _repliesToLose); left > 0; left = Volatile.Read(ref _repliesToLose))
        {
            if (Interlocked.CompareExchange(ref _repliesToLose, left - 1, left) == left)
            {
                Interlocked.Increment(ref _lostReplies);
                return true;
            }
        }

        return false;
    }
}
