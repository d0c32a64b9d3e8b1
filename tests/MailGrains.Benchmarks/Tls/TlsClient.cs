using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace MailGrains.Benchmarks.Tls;

/// <summary>A fresh connection for each message: STARTTLS with a whole handshake (no resumption), then one message of 4 KiB.</summary>
internal sealed class TlsClient(IPEndPoint server, string thumbprint, IReadOnlyList<string> addresses)
{
    private const int BodyBytes = 4_096;

    private static readonly byte[] Body = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('X', 78) + "\r\n", BodyBytes / 80)));

    private readonly string _run = Guid.NewGuid().ToString("N");
    private int _next = -1;

    /// <summary>Sends so many messages by so many sessions at a time, and returns when all are answered.</summary>
    public Task RunAsync(int messages, int sessions, CancellationToken cancellationToken)
    {
        async Task SessionAsync()
        {
            while (Interlocked.Increment(ref _next) is var number && number < messages)
            {
                await SendAsync(number, cancellationToken);
            }
        }

        return Task.WhenAll(Enumerable.Range(0, sessions).Select(_ => Task.Run(SessionAsync, cancellationToken)));
    }

    private async Task SendAsync(int number, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellationToken);
        await using var clear = new NetworkStream(socket);
        var buffer = new byte[4096];
        await ExpectAsync(clear, buffer, "220", cancellationToken);
        await AskAsync(clear, buffer, "EHLO client.test\r\n", "250", cancellationToken);
        await AskAsync(clear, buffer, "STARTTLS\r\n", "220", cancellationToken);
        await using var tls = new SslStream(clear, leaveInnerStreamOpen: true);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            AllowTlsResume = false,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == thumbprint,
        };
        await tls.AuthenticateAsClientAsync(options, cancellationToken);
        var address = addresses[number % addresses.Count];
        await AskAsync(tls, buffer, "EHLO client.test\r\n", "250", cancellationToken);
        await AskAsync(tls, buffer, "MAIL FROM:<sender@client.test>\r\n", "250", cancellationToken);
        await AskAsync(tls, buffer, $"RCPT TO:<{address}>\r\n", "250", cancellationToken);
        await AskAsync(tls, buffer, "DATA\r\n", "354", cancellationToken);
        var header = $"From: <sender@client.test>\r\nTo: <{address}>\r\nMessage-Id: <{_run}.{number}@client.test>\r\n\r\n";
        await tls.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(header), .. Body, .. ".\r\n"u8], cancellationToken);
        await ExpectAsync(tls, buffer, "250", cancellationToken);
        await AskAsync(tls, buffer, "QUIT\r\n", "221", cancellationToken);
    }

    private static async Task AskAsync(Stream stream, byte[] buffer, string command, string code, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command), cancellationToken);
        await ExpectAsync(stream, buffer, code, cancellationToken);
    }

    private static async Task ExpectAsync(Stream stream, byte[] buffer, string code, CancellationToken cancellationToken)
    {
        for (var length = 0; ;)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            length += read > 0 ? read : throw new InvalidOperationException("The server closed the connection.");
            var reply = Encoding.ASCII.GetString(buffer, 0, length);
            if (!reply.EndsWith("\r\n", StringComparison.Ordinal) || reply[(reply.LastIndexOf('\n', length - 2) + 1)..][3] != ' ')
            {
                continue;
            }

            if (!reply.StartsWith(code, StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"The server answered {reply.TrimEnd()} where {code} was expected.");
            }

            return;
        }
    }
}
