using System.Globalization;
using System.Net;

namespace MailGrains.EndToEnd.Tests.Clients;

/// <param name="Code">RFC 5321 §4.2.</param>
/// <param name="Text">The last line of the reply, code included.</param>
internal readonly record struct SmtpReply(int Code, string Text)
{
    public bool IsPositive => Code is >= 200 and < 400;

    public bool IsTransient => Code is >= 400 and < 500;
}

/// <summary>The server answered something else than what a client could go on with.</summary>
internal sealed class UnexpectedReplyException(int expected, SmtpReply reply) : IOException($"The server answered '{reply.Text}' where {expected} was expected.")
{
    public SmtpReply Reply => reply;
}

/// <summary>One SMTP connection of a client that minds what it was answered. An <see cref="IOException"/> means that the server has gone.</summary>
internal sealed class SmtpSession : IDisposable
{
    private readonly LineConnection _connection;

    private SmtpSession(LineConnection connection) => _connection = connection;

    /// <summary>The client's end of the connection.</summary>
    public IPEndPoint LocalEndPoint => _connection.LocalEndPoint;

    /// <summary>Connects and says EHLO.</summary>
    public static async Task<SmtpSession> OpenAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        var session = new SmtpSession(await LineConnection.ConnectAsync(server, cancellationToken));
        try
        {
            Expect(220, await session.ReadReplyAsync(cancellationToken));
            Expect(250, await session.AskAsync("EHLO client.test", cancellationToken));
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Sends a message. The reply to its end of data, or the first refusal before that, after which the transaction is reset.
    /// </summary>
    /// <param name="message">Its content may hold any octets in lines of CRLF.</param>
    /// <param name="beforeEndOfData">Called when all but the end of data is sent: from here on the server may keep the message.</param>
    /// <param name="awaitingReply">Called when the end of data is sent and its reply has not come.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<SmtpReply> SendAsync(
        TestMessage message, Action? beforeEndOfData = null, Action? awaitingReply = null, CancellationToken cancellationToken = default)
    {
        if (await BeginAsync(message, cancellationToken) is { IsPositive: false } refusal)
        {
            return refusal;
        }

        beforeEndOfData?.Invoke();
        await SendEndOfDataAsync(cancellationToken);
        awaitingReply?.Invoke();
        return await ReadReplyAsync(cancellationToken);
    }

    /// <summary>Sends a message up to its end of data. The reply to DATA, or the first refusal, after which the transaction is reset.</summary>
    public async Task<SmtpReply> BeginAsync(TestMessage message, CancellationToken cancellationToken)
    {
        var reply = default(SmtpReply);
        var opening = message.Recipients.Select(r => $"RCPT TO:<{r}>").Prepend($"MAIL FROM:<{message.Sender}> BODY=8BITMIME").Append("DATA");
        foreach (var command in opening)
        {
            reply = await AskAsync(command, cancellationToken);
            if (!reply.IsPositive)
            {
                if (reply.Code != 421)
                {
                    Expect(250, await AskAsync("RSET", cancellationToken));
                }

                return reply;
            }
        }

        await _connection.SendAsync(message.StuffedContent(), cancellationToken);
        return reply;
    }

    public Task SendEndOfDataAsync(CancellationToken cancellationToken) => _connection.SendAsync(".\r\n"u8.ToArray(), cancellationToken);

    public async Task<SmtpReply> ReadReplyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var line = await _connection.ReadLineAsync(cancellationToken);
            if (line.Length == 3 || line[3] == ' ')
            {
                return new SmtpReply(int.Parse(line.AsSpan(0, 3), CultureInfo.InvariantCulture), line);
            }
        }
    }

    /// <summary>QUIT, and waits for its reply.</summary>
    public Task<SmtpReply> QuitAsync(CancellationToken cancellationToken) => AskAsync("QUIT", cancellationToken);

    public void Dispose() => _connection.Dispose();

    private async Task<SmtpReply> AskAsync(string command, CancellationToken cancellationToken)
    {
        await _connection.SendAsync(command, cancellationToken);
        return await ReadReplyAsync(cancellationToken);
    }

    private static void Expect(int code, SmtpReply reply)
    {
        if (reply.Code != code)
        {
            // 421: the server stops, as if the connection had ended.
            throw new UnexpectedReplyException(code, reply);
        }
    }
}
