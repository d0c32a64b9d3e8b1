using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Testing.Smtp;

/// <summary>Submits the messages of a <see cref="MessageLedger"/>, one after the other on each connection, the next envelope with the end of the content before it.</summary>
/// <param name="reversePath">The sender of all of them.</param>
/// <param name="bytes">Of the body.</param>
public sealed class BulkSender(MessageLedger ledger, IPEndPoint server, string reversePath, int bytes)
{
    private readonly string _run = Guid.NewGuid().ToString("N");
    private readonly string _body = string.Concat(Enumerable.Repeat(new string('X', 78) + "\r\n", Math.Max(1, bytes / 80)));
    private int _next;

    /// <summary>Returns when all up to <paramref name="end"/> are acknowledged, or the server has gone.</summary>
    /// <exception cref="InvalidOperationException">A message was refused.</exception>
    public Task SendAsync(int end, int connections, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(() => SendOnOneAsync(end, cancellationToken), cancellationToken)));

    private async Task SendOnOneAsync(int end, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(server, cancellationToken);
            var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII);
            await ExpectAsync(reader, "220", cancellationToken);
            await SayAsync(stream, "EHLO client.test\r\n", cancellationToken);
            await ExpectAsync(reader, "250", cancellationToken);
            if (!TryTake(end, out var number))
            {
                return;
            }

            await SayAsync(stream, Envelope(number), cancellationToken);
            for (var goesOn = true; goesOn;)
            {
                await ExpectAsync(reader, "250", cancellationToken);
                await ExpectAsync(reader, "250", cancellationToken);
                await ExpectAsync(reader, "354", cancellationToken);
                var (sent, content) = (number, Content(number));
                goesOn = TryTake(end, out number);
                await SayAsync(stream, content + (goesOn ? Envelope(number) : ""), cancellationToken);
                await ExpectAsync(reader, "250", cancellationToken);
                ledger.Acknowledge(sent);
            }

            await SayAsync(stream, "QUIT\r\n", cancellationToken);
            await ExpectAsync(reader, "221", cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The server has gone.
        }
    }

    private bool TryTake(int end, out int number)
    {
        while ((number = Volatile.Read(ref _next)) < end)
        {
            if (Interlocked.CompareExchange(ref _next, number + 1, number) == number)
            {
                return true;
            }
        }

        return false;
    }

    private string Envelope(int number) => $"MAIL FROM:<{reversePath}>\r\nRCPT TO:<{ledger.AddressOf(number)}>\r\nDATA\r\n";

    private string Content(int number) => string.Create(
        CultureInfo.InvariantCulture,
        $"From: <{reversePath}>\r\nTo: <{ledger.AddressOf(number)}>\r\nDate: {DateTimeOffset.UtcNow:R}\r\nMessage-Id: <{number}.{_run}@client.test>\r\n\r\n{_body}.\r\n");

    private static async Task SayAsync(NetworkStream stream, string text, CancellationToken cancellationToken) =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), cancellationToken);

    private static async Task ExpectAsync(StreamReader reader, string code, CancellationToken cancellationToken)
    {
        string line;
        do
        {
            line = await reader.ReadLineAsync(cancellationToken) ?? throw new IOException("The server has gone.");
        }
        while (line.Length > 3 && line[3] == '-');

        if (!line.StartsWith(code, StringComparison.Ordinal))
        {
            // 421: it stops.
            throw line.StartsWith("421", StringComparison.Ordinal)
                ? new IOException(line)
                : new InvalidOperationException($"The server answered {line} where {code} was expected.");
        }
    }
}
