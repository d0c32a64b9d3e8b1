namespace MailGrains.Protocols.Wire;

/// <summary>Why a session ended; for the gateway's log line and metrics.</summary>
public enum SessionEnd
{
    /// <summary>The client said QUIT.</summary>
    Quit = 1,

    /// <summary>The client went away, or its transport failed.</summary>
    ConnectionLost = 2,

    /// <summary>The client was too slow to send or to read.</summary>
    TimedOut = 3,

    /// <summary>The client used up its budget of errors, failed logins or junk.</summary>
    TooManyErrors = 4,

    /// <summary>The server is going down.</summary>
    Shutdown = 5,

    /// <summary>The backend closed the session (SMTP: it answered 421), or failed in the middle of an answer.</summary>
    ClosedByBackend = 6,

    /// <summary>The TLS handshake failed.</summary>
    TlsFailed = 7,

    /// <summary>The client spoke before it was greeted (RFC 5321 §3.1).</summary>
    EarlyTalker = 8,
}
