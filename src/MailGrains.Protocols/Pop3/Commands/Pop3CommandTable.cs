using System.Text;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>Parses the arguments, asks the backend and answers; null when the handler wrote its answer itself, or the session ended.</summary>
/// <param name="arguments">What follows the verb and its space; valid until the handler first awaits.</param>
internal delegate ValueTask<Pop3Reply?> Pop3CommandHandler(Pop3ServerSession session, ReadOnlySpan<byte> arguments);

/// <summary>A verb and what it meets before and after login: null means that it runs, else it is answered so.</summary>
internal sealed record Pop3CommandRow(string Verb, Pop3CommandHandler Handler, Pop3Reply? Authorization, Pop3Reply? Transaction)
{
    public ulong Key { get; } = Wire.Verb.KeyOf(Encoding.ASCII.GetBytes(Verb));
}

/// <summary>State × command, as data.</summary>
internal static class Pop3CommandTable
{
    private static readonly Pop3CommandRow[] Rows =
    [
        new("RETR", RetrCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("DELE", DeleCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("UIDL", UidlCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("LIST", ListCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("STAT", StatCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("CAPA", CapaCommand.ExecuteAsync, null, null),
        new("USER", UserCommand.ExecuteAsync, null, Pop3Reply.LoggedIn),
        new("PASS", PassCommand.ExecuteAsync, null, Pop3Reply.LoggedIn),
        new("AUTH", AuthCommand.ExecuteAsync, null, Pop3Reply.LoggedIn),
        new("STLS", StlsCommand.ExecuteAsync, null, Pop3Reply.LoggedIn),
        new("QUIT", QuitCommand.ExecuteAsync, null, null),
        new("TOP", TopCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("NOOP", NoopCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("RSET", RsetCommand.ExecuteAsync, Pop3Reply.LogInFirst, null),
        new("UTF8", Utf8Command.ExecuteAsync, null, Pop3Reply.LoggedIn),
        new("LANG", LangCommand.ExecuteAsync, null, null),
    ];

    /// <summary>The row of a line's verb, or null; case does not matter (RFC 1939 §3).</summary>
    public static Pop3CommandRow? Find(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> arguments)
    {
        var key = Wire.Verb.Split(line, out arguments);
        foreach (var row in Rows)
        {
            if (row.Key == key)
            {
                return row;
            }
        }

        return null;
    }
}
