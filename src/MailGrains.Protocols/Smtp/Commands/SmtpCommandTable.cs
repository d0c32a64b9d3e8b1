namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>Parses the arguments, asks the backend and answers; null when the session ended meanwhile.</summary>
/// <param name="arguments">What follows the verb and its space; valid until the handler first awaits.</param>
internal delegate ValueTask<SmtpReply?> SmtpCommandHandler(SmtpServerSession session, ReadOnlySpan<byte> arguments);

/// <summary>A verb and what it meets in each state: null means that it runs, else it is answered so.</summary>
/// <param name="Handler">Null where every state refuses.</param>
/// <param name="IsJunk">It may be repeated without end and moves nothing on; see <see cref="SmtpServerOptions.MaxJunkCommands"/>.</param>
internal sealed record SmtpCommandRow(
    string Verb, SmtpCommandHandler? Handler, SmtpReply? Connected, SmtpReply? Ready, SmtpReply? Sender, SmtpReply? Recipients, SmtpReply? Chunks, bool IsJunk)
{
    public ulong Key { get; } = Wire.Verb.KeyOf(System.Text.Encoding.ASCII.GetBytes(Verb));

    /// <summary>Not named by HELP.</summary>
    public bool IsNotMail { get; init; }

    /// <summary>Not named by HELP: whether it is there depends on the connection, and EHLO says so.</summary>
    public bool IsSometimes { get; init; }

    /// <summary>Its line may have <see cref="SmtpServerOptions.MaxAuthLineBytes"/>.</summary>
    public bool IsLong { get; init; }

    public SmtpReply? RefusalIn(SmtpState state) => state switch
    {
        SmtpState.Connected => Connected,
        SmtpState.Ready => Ready,
        SmtpState.Sender => Sender,
        SmtpState.Recipients => Recipients,
        _ => Chunks,
    };
}

/// <summary>State × command, as data. Order: how often a verb is met.</summary>
internal static class SmtpCommandTable
{
    private static readonly SmtpCommandRow[] Rows =
    [
        new("RCPT", RcptCommand.ExecuteAsync, SmtpReply.HelloFirst503, SmtpReply.MailFirst503, null, null, SmtpReply.BadSequence503, false),
        new("MAIL", MailCommand.ExecuteAsync, SmtpReply.HelloFirst503, null, SmtpReply.NestedMail503, SmtpReply.NestedMail503, SmtpReply.NestedMail503, false),
        new("DATA", DataCommand.ExecuteAsync, SmtpReply.HelloFirst503, SmtpReply.MailFirst503, SmtpReply.NoValidRecipients554, null, SmtpReply.BadSequence503, false),
        new("BDAT", BdatCommand.ExecuteAsync, null, null, null, null, null, false),
        new("EHLO", HelloCommand.EhloAsync, null, null, null, null, null, true),
        new("QUIT", QuitCommand.ExecuteAsync, null, null, null, null, null, false),
        new("STARTTLS", StartTlsCommand.ExecuteAsync, SmtpReply.HelloFirst503, null, SmtpReply.BadSequence503, SmtpReply.BadSequence503, SmtpReply.BadSequence503, false) { IsSometimes = true },
        new("AUTH", AuthCommand.ExecuteAsync, SmtpReply.HelloFirst503, null, SmtpReply.BadSequence503, SmtpReply.BadSequence503, SmtpReply.BadSequence503, false)
        {
            IsSometimes = true,
            IsLong = true,
        },
        new("RSET", RsetCommand.ExecuteAsync, null, null, null, null, null, true),
        new("HELO", HelloCommand.HeloAsync, null, null, null, null, null, true),
        new("NOOP", NoopCommand.ExecuteAsync, null, null, null, null, null, true),
        new("VRFY", VrfyCommand.ExecuteAsync, null, null, null, null, null, true),
        new("HELP", HelpCommand.ExecuteAsync, null, null, null, null, null, true),

        new("ETRN", EtrnCommand.ExecuteAsync, SmtpReply.HelloFirst503, null, SmtpReply.BadSequence503, SmtpReply.BadSequence503, SmtpReply.BadSequence503, true) { IsSometimes = true },

        // Known and not offered: 502 (RFC 5321 §4.2.4).
        NotImplemented("EXPN"),
        NotImplemented("TURN"),
        NotImplemented("ATRN"),
        NotImplemented("SEND"),
        NotImplemented("SOML"),
        NotImplemented("SAML"),

        // A browser that was led to this port: what follows are header lines, and a body that may hold SMTP.
        new("GET", WebRequest.ExecuteAsync, null, null, null, null, null, false) { IsNotMail = true },
        new("POST", WebRequest.ExecuteAsync, null, null, null, null, null, false) { IsNotMail = true },
        new("CONNECT", WebRequest.ExecuteAsync, null, null, null, null, null, false) { IsNotMail = true },
    ];

    /// <summary>The verbs that HELP names.</summary>
    public static string OfferedVerbs { get; } =
        string.Join(' ', Rows.Where(row => row is { Handler: not null, IsNotMail: false, IsSometimes: false }).Select(row => row.Verb));

    /// <summary>The row of a line's verb, or null; case does not matter (RFC 5321 §2.4).</summary>
    public static SmtpCommandRow? Find(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> arguments)
    {
        var key = Wire.Verb.Split(line, out arguments);

        // RFC 5321 §4.1.1: white space before the end of the line is tolerated.
        arguments = arguments.TrimEnd(" \t"u8);
        foreach (var row in Rows)
        {
            if (row.Key == key)
            {
                return row;
            }
        }

        return null;
    }

    private static SmtpCommandRow NotImplemented(string verb)
    {
        var reply = SmtpReply.NotImplemented502;
        return new(verb, null, reply, reply, reply, reply, reply, false);
    }
}
