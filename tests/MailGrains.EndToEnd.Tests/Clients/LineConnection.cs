using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.EndToEnd.Tests.Clients;

/// <summary>A TCP connection to a server of lines; octets go in and out as they are. Used by one caller at a time.</summary>
internal sealed class LineConnection : IDisposable
{
    private readonly NetworkStream _stream;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    private LineConnection(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    public IPEndPoint LocalEndPoint => (IPEndPoint)_stream.Socket.LocalEndPoint!;

    /// <param name="server">Where to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="from">An address of this machine to come from; null: any.</param>
    /// <exception cref="IOException">Nobody listens.</exception>
    public static async Task<LineConnection> ConnectAsync(IPEndPoint server, CancellationToken cancellationToken, IPAddress? from = null)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null)
            {
                socket.Bind(new IPEndPoint(from, 0));
            }

            await socket.ConnectAsync(server, cancellationToken);
            return new LineConnection(socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"{server}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public Task SendAsync(string line, CancellationToken cancellationToken) => SendAsync(Encoding.UTF8.GetBytes(line + "\r\n"), cancellationToken);

    public async Task SendAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken) => await _stream.WriteAsync(octets, cancellationToken);

    /// <summary>The next line without its CRLF.</summary>
    /// <exception cref="IOException">The connection ended before it.</exception>
    public async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var length = await BufferAsync("\r\n"u8.ToArray(), cancellationToken);
        var line = Encoding.UTF8.GetString(_buffer, _start, length - 2);
        _start += length;
        return line;
    }

    /// <summary>What follows up to the line that is a dot (RFC 1939 §3), dots taken away again.</summary>
    /// <exception cref="IOException">The connection ended before it.</exception>
    public async Task<byte[]> ReadDottedAsync(CancellationToken cancellationToken)
    {
        await BufferAsync(3, cancellationToken);
        if (_buffer.AsSpan(_start).StartsWith(".\r\n"u8))
        {
            _start += 3;
            return [];
        }

        var length = await BufferAsync("\r\n.\r\n"u8.ToArray(), cancellationToken);
        var octets = Unstuffed(_buffer.AsSpan(_start, length - 3));
        _start += length;
        return octets;
    }

    public void Dispose() => _stream.Dispose();

    private static byte[] Unstuffed(ReadOnlySpan<byte> lines)
    {
        var octets = new MemoryStream(lines.Length);
        while (!lines.IsEmpty)
        {
            var end = lines.IndexOf("\r\n"u8) + 2;
            octets.Write(lines[0] == '.' ? lines[1..end] : lines[..end]);
            lines = lines[end..];
        }

        return octets.ToArray();
    }

    /// <summary>Reads until the mark has come; the length up to its end.</summary>
    private async Task<int> BufferAsync(byte[] mark, CancellationToken cancellationToken)
    {
        var searched = 0;
        while (true)
        {
            var at = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf(mark);
            if (at >= 0)
            {
                return searched + at + mark.Length;
            }

            searched = Math.Max(0, _end - _start - mark.Length + 1);
            await BufferAsync(_end - _start + 1, cancellationToken);
        }
    }

    private async Task BufferAsync(int octets, CancellationToken cancellationToken)
    {
        while (_end - _start < octets)
        {
            MakeRoom();
            var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            _end += read > 0 ? read : throw new EndOfStreamException("The server closed the connection.");
        }
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        var target = _end - _start > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, _end - _start).CopyTo(target);
        (_buffer, _start, _end) = (target, 0, _end - _start);
    }
}
