using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Gateways.Filters;

/// <summary>
/// ClamAV's daemon: the content goes to it by INSTREAM (clamd(8)) over a connection a message, in pieces of at most 64 KiB. A signature found
/// refuses the message; an error of the daemon's, its own size limit among them, is a failure and its policy's.
/// </summary>
public sealed class ClamdFilter(EndPoint address, FilterLimits limits) : IMessageFilter
{
    private const int PieceBytes = 64 * 1024;
    private const int MaxReplyBytes = 1024;

    /// <summary>clamd takes a thread for each and has ten by default; more wait here, in their time.</summary>
    private const int MaxConnections = 32;

    private readonly SemaphoreSlim _connections = new(MaxConnections);

    public string Name => "clamd";

    public FilterLimits Limits => limits;

    public async ValueTask<FilterVerdict> CheckAsync(MessageFacts message, CancellationToken cancellationToken)
    {
        await _connections.WaitAsync(cancellationToken);
        try
        {
            using var socket = address is UnixDomainSocketEndPoint
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(address, cancellationToken);
            await SendAsync(socket, message.Content, cancellationToken);
            return VerdictOf(await ReadReplyAsync(socket, cancellationToken));
        }
        finally
        {
            _connections.Release();
        }
    }

    public void Dispose() => _connections.Dispose();

    private static async Task SendAsync(Socket socket, FilteredContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.OpenAsync(cancellationToken);
        var piece = ArrayPool<byte>.Shared.Rent(sizeof(int) + PieceBytes);
        try
        {
            await SendAllAsync(socket, "zINSTREAM\0"u8.ToArray(), cancellationToken);
            int length;
            do
            {
                // A piece of no octets ends the content.
                length = await stream.ReadAsync(piece.AsMemory(sizeof(int), PieceBytes), cancellationToken);
                BinaryPrimitives.WriteInt32BigEndian(piece, length);
                await SendAllAsync(socket, piece.AsMemory(0, sizeof(int) + length), cancellationToken);
            }
            while (length > 0);
        }
        catch (SocketException)
        {
            // It has heard enough and closed; what it said may still be read.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }

    /// <summary>Up to its NUL; null where it never comes or is too far.</summary>
    private static async Task<string?> ReadReplyAsync(Socket socket, CancellationToken cancellationToken)
    {
        var reply = new byte[MaxReplyBytes];
        for (var length = 0; length < reply.Length;)
        {
            var read = await socket.ReceiveAsync(reply.AsMemory(length), cancellationToken);
            if (read == 0)
            {
                return null;
            }

            var end = reply.AsSpan(length, read).IndexOf((byte)0);
            if (end >= 0)
            {
                return Encoding.UTF8.GetString(reply, 0, length + end);
            }

            length += read;
        }

        return null;
    }

    private FilterVerdict VerdictOf(string? reply)
    {
        const string Stream = "stream: ";
        const string Found = " FOUND";
        if (reply == "stream: OK")
        {
            return new FilterVerdict(FilterAction.Accept, Name, "clean") { Fields = [new FilterField("X-Virus-Status", Messages.Headers.HeaderText.Of("Clean"))] };
        }

        if (reply is null)
        {
            return FilterVerdict.Failure(Name, "no-answer");
        }

        if (reply.Length > Stream.Length + Found.Length && reply.StartsWith(Stream, StringComparison.Ordinal) && reply.EndsWith(Found, StringComparison.Ordinal))
        {
            return new FilterVerdict(FilterAction.Reject, Name, FilterVerdict.Token(reply[Stream.Length..^Found.Length]));
        }

        return FilterVerdict.Failure(
            Name, reply.Contains("size limit exceeded", StringComparison.Ordinal) ? "size-limit"
                : reply.EndsWith("ERROR", StringComparison.Ordinal) ? "error" : "broken-answer");
    }
}
