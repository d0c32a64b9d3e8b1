using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Testing.Balancing;

/// <summary>A process behind a balancer.</summary>
/// <param name="Ready">Asked again and again; 200: it gets connections.</param>
/// <param name="EndPoints">By the names of the balancer's ports.</param>
public sealed record Backend(string Name, Uri Ready, IReadOnlyDictionary<string, IPEndPoint> EndPoints);

/// <summary>
/// Spreads connections over processes by their readiness: each is asked every quarter of a second whether it is ready, and is not when it was not four times in a
/// row; those that are get new connections in turn; connections that are established go on whatever becomes of that. Octets pass both ways, and each way ends for
/// itself. It is one program in place of Azure's load balancer, the nodes that this one probes and their kube-proxy, and has none of their addresses, timing or faults.
/// </summary>
public sealed class TcpBalancer : IAsyncDisposable
{
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ProbeLimit = TimeSpan.FromSeconds(15);

    private const int MostFailures = 4;

    private readonly Dictionary<string, TcpListener> _listeners;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Member> _members = new();
    private readonly ConcurrentDictionary<Task, bool> _tasks = new();
    private readonly HttpClient _probe = new() { Timeout = ProbeLimit, DefaultRequestHeaders = { ConnectionClose = true } };
    private int _turn;

    public TcpBalancer(params string[] ports)
    {
        _listeners = ports.ToDictionary(port => port, _ => new TcpListener(IPAddress.Loopback, 0));
        foreach (var (port, listener) in _listeners)
        {
            listener.Start();
            Run(AcceptAsync(port, listener));
        }
    }

    /// <summary>Connections that nobody took, and why.</summary>
    public ConcurrentQueue<string> Refused { get; } = new();

    /// <summary>Each time that a process was found ready, or not any more: <c>name ready</c>, <c>name not ready: why</c>.</summary>
    public ConcurrentQueue<string> Changes { get; } = new();

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint EndPoint(string port) => (IPEndPoint)_listeners[port].LocalEndpoint;

    /// <summary>Adds a process; it gets connections once it is ready.</summary>
    public void Add(Backend backend)
    {
        var member = new Member(backend, CancellationTokenSource.CreateLinkedTokenSource(_stop.Token));
        _members[backend.Name] = member;
        Run(ProbeAsync(member));
    }

    /// <summary>It is not asked any more and, when this has ended, gets no connection any more; what is established goes on.</summary>
    public async Task RemoveAsync(string name)
    {
        Member? member;
        lock (_members)
        {
            if (!_members.TryRemove(name, out member))
            {
                return;
            }
        }

        await member.Removed.CancelAsync();
        while (member.Connecting > 0)
        {
            await Task.Delay(ProbeEvery / 50);
        }
    }

    /// <summary>Waits until the process was found to be ready, or not.</summary>
    public async Task UntilAsync(string name, bool isReady, CancellationToken cancellationToken)
    {
        while (_members[name].IsReady != isReady)
        {
            await Task.Delay(ProbeEvery / 5, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var listener in _listeners.Values)
        {
            listener.Stop();
        }

        await Task.WhenAll(_tasks.Keys);
        _probe.Dispose();
        _stop.Dispose();
    }

    private void Run(Task task)
    {
        _tasks[task] = true;
        _ = task.ContinueWith(ended => _tasks.TryRemove(ended, out _), TaskScheduler.Default);
    }

    private async Task ProbeAsync(Member member)
    {
        using var removed = member.Removed;
        var cancel = removed.Token;
        var failures = 0;
        while (!cancel.IsCancellationRequested)
        {
            string? failure;
            try
            {
                using var answer = await _probe.GetAsync(member.Backend.Ready, cancel);
                failure = answer.IsSuccessStatusCode ? null : $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancel)}";
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                failure = e.Message;
            }

            failures = failure is null ? 0 : failures + 1;
            var isReady = failure is null || (member.IsReady && failures < MostFailures);
            if (!cancel.IsCancellationRequested && member.IsReady != isReady)
            {
                member.IsReady = isReady;
                Changes.Enqueue($"{member.Backend.Name} {(failure is null ? "ready" : $"not ready: {failure}")}");
            }

            await Task.Delay(ProbeEvery, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AcceptAsync(string port, TcpListener listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Run(ServeAsync(await listener.AcceptSocketAsync(_stop.Token), port));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // The end, or a client that went before it was accepted.
            }
        }
    }

    private async Task ServeAsync(Socket client, string port)
    {
        using var _ = client;
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        if (Choose() is not { } member)
        {
            Refuse(client, $"{port}: nobody is ready");
            return;
        }

        try
        {
            await server.ConnectAsync(member.Backend.EndPoints[port], _stop.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            Refuse(client, $"{port}: {member.Backend.Name}: {e.Message}");
            return;
        }
        finally
        {
            member.Connects(-1);
        }

        await Task.WhenAll(PassAsync(client, server), PassAsync(server, client));
    }

    /// <summary>The next one that is ready, which counts as being connected to.</summary>
    private Member? Choose()
    {
        lock (_members)
        {
            var ready = _members.Values.Where(m => m.IsReady).OrderBy(m => m.Backend.Name, StringComparer.Ordinal).ToArray();
            var member = ready.Length == 0 ? null : ready[_turn++ % ready.Length];
            member?.Connects(1);
            return member;
        }
    }

    private void Refuse(Socket client, string why)
    {
        if (!_stop.IsCancellationRequested)
        {
            Refused.Enqueue(why);
        }

        client.Close(0);
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is var read and > 0)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _stop.Token);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            End(to);
        }
    }

    private static void End(Socket to)
    {
        try
        {
            to.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has ended already.
        }
    }

    private sealed class Member(Backend backend, CancellationTokenSource removed)
    {
        private volatile bool _isReady;
        private int _connecting;

        /// <summary>Connections that are on their way to it.</summary>
        public int Connecting => Volatile.Read(ref _connecting);

        public Backend Backend => backend;

        public CancellationTokenSource Removed => removed;

        public bool IsReady
        {
            get => _isReady;
            set => _isReady = value;
        }

        public void Connects(int change) => Interlocked.Add(ref _connecting, change);
    }
}
