using System.Net;
using System.Text;

namespace MailGrains.EndToEnd.Tests.Clients;

/// <summary>One POP3 connection, logged in.</summary>
internal sealed class Pop3Session : IDisposable
{
    private readonly LineConnection _connection;

    private Pop3Session(LineConnection connection) => _connection = connection;

    public static async Task<Pop3Session> LogInAsync(IPEndPoint server, string user, string password, CancellationToken cancellationToken)
    {
        var session = new Pop3Session(await LineConnection.ConnectAsync(server, cancellationToken));
        try
        {
            await session.ExpectOkAsync(cancellationToken);
            await session.AskAsync($"USER {user}", cancellationToken);
            await session.AskAsync($"PASS {password}", cancellationToken);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The unique ids by message number, which starts at 1 (RFC 1939 §7).</summary>
    public async Task<IReadOnlyList<(int Number, string Uid)>> ListAsync(CancellationToken cancellationToken)
    {
        await AskAsync("UIDL", cancellationToken);
        var list = Encoding.ASCII.GetString(await _connection.ReadDottedAsync(cancellationToken));
        return [.. list.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')).Select(w => (int.Parse(w[0], null), w[1]))];
    }

    /// <summary>A message, octet for octet.</summary>
    public async Task<byte[]> RetrieveAsync(int number, CancellationToken cancellationToken)
    {
        await AskAsync($"RETR {number}", cancellationToken);
        return await _connection.ReadDottedAsync(cancellationToken);
    }

    /// <summary>Marks a message; it goes at <see cref="QuitAsync"/>.</summary>
    public Task DeleteAsync(int number, CancellationToken cancellationToken) => AskAsync($"DELE {number}", cancellationToken);

    /// <summary>Ends the session and removes what was marked.</summary>
    public Task QuitAsync(CancellationToken cancellationToken) => AskAsync("QUIT", cancellationToken);

    public void Dispose() => _connection.Dispose();

    private async Task AskAsync(string command, CancellationToken cancellationToken)
    {
        await _connection.SendAsync(command, cancellationToken);
        await ExpectOkAsync(cancellationToken);
    }

    private async Task ExpectOkAsync(CancellationToken cancellationToken)
    {
        var line = await _connection.ReadLineAsync(cancellationToken);
        if (!line.StartsWith("+OK", StringComparison.Ordinal))
        {
            throw new IOException($"POP3 answered '{line}'.");
        }
    }
}
