using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>A TCP connection to another server as the two pipes that a protocol's client wants.</summary>
internal sealed class SocketTransport : IDuplexPipe, IDisposable
{
    private readonly Socket _socket;
    private readonly SocketReader _reader;

    private SocketTransport(Socket socket) => (_socket, _reader, Output) = (socket, new SocketReader(socket), new SocketWriter(socket));

    public PipeReader Input => _reader;

    public PipeWriter Output { get; }

    /// <param name="source">The local address; null: the system's choice.</param>
    /// <exception cref="SocketException">There is no connection.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public static async Task<SocketTransport> ConnectAsync(IPEndPoint server, IPAddress? source, CancellationToken cancellationToken)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

            await socket.ConnectAsync(server, cancellationToken);
            return new SocketTransport(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Ends the connection so that the server sees a failure, and no end of anything.</summary>
    public void Abort()
    {
        try
        {
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }

        Dispose();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _reader.Dispose();
        Output.Complete();
    }
}
