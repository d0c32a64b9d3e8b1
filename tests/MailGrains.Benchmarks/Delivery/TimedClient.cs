using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>
/// A sender that behaves as smtp-source does and measures what that does not: from the moment when the end of data is sent to its reply.
/// </summary>
internal sealed class TimedClient(Load load, IPEndPoint server)
{
    private const int LineBytes = 80;

    private readonly IReadOnlyList<string> _addresses = load.Addresses;
    private readonly byte[] _body = Body(load.Bytes);
    private readonly string _run = Guid.NewGuid().ToString("N");
    private int _next = -1;

    /// <summary>Sends so many messages; the time of each, sorted.</summary>
    public async Task<TimeSpan[]> RunAsync(int messages, CancellationToken cancellationToken)
    {
        var times = new TimeSpan[messages];
        async Task SessionAsync()
        {
            while (Interlocked.Increment(ref _next) is var number && number < messages)
            {
                times[number] = await SendAsync(number, cancellationToken);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, load.Sessions).Select(_ => Task.Run(SessionAsync, cancellationToken)));
        Array.Sort(times);
        return times;
    }

    private async Task<TimeSpan> SendAsync(int number, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellationToken);
        var address = _addresses[number % _addresses.Count];
        var buffer = new byte[4096];
        await ExpectAsync(socket, buffer, "220", cancellationToken);
        await CommandAsync(socket, buffer, "EHLO client.test\r\n", "250", cancellationToken);
        await CommandAsync(socket, buffer, $"MAIL FROM:<{Load.Sender}>\r\n", "250", cancellationToken);
        await CommandAsync(socket, buffer, $"RCPT TO:<{address}>\r\n", "250", cancellationToken);
        await CommandAsync(socket, buffer, "DATA\r\n", "354", cancellationToken);
        var header = $"From: <{Load.Sender}>\r\nTo: <{address}>\r\nDate: {DateTimeOffset.UtcNow:ddd, dd MMM yyyy HH:mm:ss} +0000\r\n" +
            $"Message-Id: <{_run}.{number}@client.test>\r\n\r\n";
        byte[] content = [.. Encoding.ASCII.GetBytes(header), .. _body];
        await SendAllAsync(socket, content, cancellationToken);
        var sent = Stopwatch.GetTimestamp();
        await CommandAsync(socket, buffer, ".\r\n", "250", cancellationToken);
        var time = Stopwatch.GetElapsedTime(sent);
        await CommandAsync(socket, buffer, "QUIT\r\n", "221", cancellationToken);
        return time;
    }

    private static async Task CommandAsync(Socket socket, byte[] buffer, string line, string code, CancellationToken cancellationToken)
    {
        await SendAllAsync(socket, Encoding.ASCII.GetBytes(line), cancellationToken);
        await ExpectAsync(socket, buffer, code, cancellationToken);
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }

    private static async Task ExpectAsync(Socket socket, byte[] buffer, string code, CancellationToken cancellationToken)
    {
        var length = 0;
        while (!IsWhole(buffer.AsSpan(0, length)))
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            length += read > 0 ? read : throw new InvalidOperationException("The server closed the connection.");
        }

        var reply = Encoding.UTF8.GetString(buffer.AsSpan(0, length));
        if (!reply.StartsWith(code, StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The server answered {reply.TrimEnd()} where {code} was expected.");
        }
    }

    /// <summary>RFC 5321 §4.2.1: the last line of a reply has a blank after its code.</summary>
    private static bool IsWhole(ReadOnlySpan<byte> reply)
    {
        if (!reply.EndsWith("\r\n"u8))
        {
            return false;
        }

        var last = reply[(reply[..^2].LastIndexOf((byte)'\n') + 1)..];
        return last.Length > 3 && last[3] == ' ';
    }

    private static byte[] Body(int bytes)
    {
        var line = new string('X', LineBytes - 2) + "\r\n";
        var text = string.Concat(Enumerable.Repeat(line, bytes / LineBytes + 1))[..(bytes - 2)];
        return Encoding.ASCII.GetBytes(text.TrimEnd('\r', '\n').PadRight(bytes - 2, 'X') + "\r\n");
    }
}
