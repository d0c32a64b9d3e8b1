using System.Text;

namespace MailGrains.Protocols.Pop3;

/// <summary>
/// One line of answer (RFC 1939 §3), made once. Text can't break out of its line: whatever is not printable US-ASCII becomes '?', and the
/// line is cut at 512 octets.
/// </summary>
internal sealed class Pop3Reply
{
    public const int MaxLineBytes = 512;

    public static readonly Pop3Reply Done = Ok("done");
    public static readonly Pop3Reply Bye = Ok("bye");
    public static readonly Pop3Reply SendPassword = Ok("send PASS");
    public static readonly Pop3Reply BeginTls = Ok("begin TLS negotiation");
    public static readonly Pop3Reply TlsActive = Err("TLS is active already");
    public static readonly Pop3Reply Utf8Enabled = Ok("UTF8 enabled");

    public static readonly Pop3Reply UnknownCommand = Err("unknown command");
    public static readonly Pop3Reply SyntaxError = Err("syntax error in arguments");
    public static readonly Pop3Reply BadLine = Err("lines end in CRLF and hold no CR, LF or NUL");
    public static readonly Pop3Reply LineTooLong = Err("line too long");
    public static readonly Pop3Reply LogInFirst = Err("log in first");
    public static readonly Pop3Reply LoggedIn = Err("not after login");
    public static readonly Pop3Reply SendUserFirst = Err("send USER first");
    public static readonly Pop3Reply ClearTextRefused = Err("login in clear text is not allowed on this connection");
    public static readonly Pop3Reply NoSuchMessage = Err("no such message");
    public static readonly Pop3Reply MessageGone = Err("message is gone");
    public static readonly Pop3Reply NoSuchMechanism = Err("mechanism not offered");
    public static readonly Pop3Reply MalformedResponse = Err("malformed authentication response");
    public static readonly Pop3Reply AuthCancelled = Err("authentication cancelled");
    public static readonly Pop3Reply NoSuchLanguage = Err("language not offered");
    public static readonly Pop3Reply TooManyErrors = Err("too many errors");

    /// <summary>RFC 3206 for the codes; its AUTH covers logins that policy forbids for a while.</summary>
    public static readonly Pop3Reply BadCredentials = Err("[AUTH] wrong name or password");
    public static readonly Pop3Reply AccountDisabled = Err("[SYS/PERM] this account may not use POP3");
    public static readonly Pop3Reply AccountLocked = Err("[AUTH] too many failed logins, try again later");
    public static readonly Pop3Reply Unavailable = Err("[SYS/TEMP] local error, try again later");
    public static readonly Pop3Reply NotDeleted = Err("[SYS/TEMP] some messages marked as deleted were not removed");
    public static readonly Pop3Reply ShuttingDown = Err("[SYS/TEMP] server shutting down");

    private readonly byte[] _wire;

    private Pop3Reply(bool isError, string status, string text)
    {
        IsError = isError;
        var line = new StringBuilder(status).Append(' ').Append(text);
        line.Length = Math.Min(line.Length, MaxLineBytes - 2);
        for (var i = 0; i < line.Length; i++)
        {
            line[i] = line[i] is >= ' ' and <= '~' ? line[i] : '?';
        }

        _wire = Encoding.ASCII.GetBytes(line.Append("\r\n").ToString());
    }

    public bool IsError { get; }

    /// <summary>The line as it goes out, without its CRLF; for logs.</summary>
    public string Text => Encoding.ASCII.GetString(_wire.AsSpan(..^2));

    public ReadOnlySpan<byte> Wire => _wire;

    public static Pop3Reply Ok(string text) => new(false, "+OK", text);

    public static Pop3Reply Err(string text) => new(true, "-ERR", text);
}
