using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MailGrains.Gateways.Connections;

/// <summary>
/// Kestrel's socket listener, but for what happens when files run out: connections get none of the last ones (<see cref="OpenFiles"/>), and when none can be
/// taken at all, the listener waits before it asks again. Kestrel's own asks at once, which takes a processor for as long as it lasts.
/// </summary>
public sealed partial class PatientListenerFactory(IOptions<SocketTransportOptions> options, TimeProvider time, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    /// <exception cref="AddressInUseException">Somebody else listens there.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            var socket = options.Value.CreateBoundListenSocket(endpoint);
            socket.Listen(options.Value.Backlog);
            return new(new Listener(socket, options.Value, time, loggers.CreateLogger<PatientListenerFactory>()));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }

    private sealed partial class Listener(Socket socket, SocketTransportOptions options, TimeProvider time, ILogger logger) : IConnectionListener
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
        private static readonly TimeSpan LogPeriod = TimeSpan.FromMinutes(1);

        private readonly CancellationTokenSource _closed = new();
        private readonly SocketConnectionContextFactory _connections = new(
            new SocketConnectionFactoryOptions
            {
                IOQueueCount = options.IOQueueCount,
                MaxReadBufferSize = options.MaxReadBufferSize,
                MaxWriteBufferSize = options.MaxWriteBufferSize,
                UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
                WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
            },
            logger);

        private long? _logged;

        public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (!_closed.IsCancellationRequested)
            {
                try
                {
                    var accepted = await socket.AcceptAsync(cancellationToken);
                    if (accepted.Handle >= OpenFiles.FirstTooMany)
                    {
                        accepted.Dispose();
                        Report(SocketError.TooManyOpenSockets);
                        continue;
                    }

                    accepted.NoDelay = options.NoDelay;
                    return _connections.Create(accepted);
                }
                catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
                {
                    return null;
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                {
                    // Those that wait stay in the system's queue meanwhile.
                    Report(e.SocketErrorCode);
                    await Task.Delay(Pause, time, _closed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
                catch (SocketException)
                {
                    // That client has gone before it was its turn.
                }
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _closed.Cancel();
            socket.Dispose();
            return default;
        }

        public async ValueTask DisposeAsync()
        {
            await UnbindAsync(CancellationToken.None);
            _connections.Dispose();
        }

        private void Report(SocketError why)
        {
            var now = time.GetTimestamp();
            if (_logged is not { } logged || time.GetElapsedTime(logged, now) >= LogPeriod)
            {
                _logged = now;
                LogExhausted(logger, EndPoint, why);
            }
        }

        [LoggerMessage(Level = LogLevel.Error, Message = "No connection can be taken on {EndPoint} for now: {Why}. The limit of open files is too low, or the machine is out of memory")]
        private static partial void LogExhausted(ILogger logger, EndPoint endPoint, SocketError why);
    }
}
