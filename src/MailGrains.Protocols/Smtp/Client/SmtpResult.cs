using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>How far a connection had come.</summary>
public enum SmtpStage
{
    /// <summary>For whoever opens connections; the client itself begins with the greeting.</summary>
    Connect = 1,
    Greeting = 2,

    /// <summary>EHLO or HELO.</summary>
    Hello = 3,

    /// <summary>STARTTLS, and any handshake.</summary>
    StartTls = 4,
    Auth = 5,

    /// <summary>MAIL, and what comes between transactions.</summary>
    Mail = 6,
    Rcpt = 7,

    /// <summary>DATA or BDAT, and the content up to its end.</summary>
    Data = 8,

    /// <summary>The end of the content has been sent, or a part of it.</summary>
    EndOfData = 9,
}

public enum SmtpVerdict
{
    Accepted = 1,

    /// <summary>It may work later, or elsewhere; also whatever is not known to be permanent.</summary>
    Temporary = 2,

    /// <summary>It will not work here.</summary>
    Permanent = 3,
}

/// <summary>What a verdict rests on.</summary>
public enum SmtpCause
{
    /// <summary>What the server said.</summary>
    Reply = 1,

    /// <summary>The server closed, or the connection broke.</summary>
    ConnectionLost = 2,

    /// <summary>The server neither spoke nor read in its time.</summary>
    TimedOut = 3,

    /// <summary>What came was no reply, had no end, or answered something else than was asked.</summary>
    BadReply = 4,

    /// <summary>The handshake failed or the server's certificate was refused: <see cref="SmtpResult.Tls"/>.</summary>
    TlsFailed = 5,

    /// <summary>The server lacks an extension that this needs; nothing was asked.</summary>
    NotOffered = 6,

    /// <summary>The content is larger than the server's SIZE; nothing was asked.</summary>
    TooLarge = 7,

    /// <summary>One recipient more than a transaction has room for.</summary>
    NotAsked = 8,

    /// <summary>The server took others and has no room for this one in the same transaction (RFC 5321 §4.5.3.1.10).</summary>
    TooManyRecipients = 9,

    /// <summary>The content holds a bare CR or LF, or a NUL that it must not; it did not get to its end.</summary>
    BadContent = 10,

    /// <summary>A path or a parameter is none.</summary>
    BadEnvelope = 11,

    /// <summary>The caller did not allow the end of the content.</summary>
    NotAllowed = 12,

    /// <summary>The caller's token fired.</summary>
    Aborted = 13,

    /// <summary>Something of ours failed: <see cref="SmtpResult.Failure"/>.</summary>
    LocalFailure = 14,

    /// <summary>The server called the login a success and did not show that it knows the password.</summary>
    ServerNotProven = 15,

    /// <summary>BY= with R leaves no time (RFC 2852), or less than the server takes.</summary>
    TooLate = 16,
}

/// <summary>How one step went, or how it stands with one recipient.</summary>
public sealed record SmtpResult(SmtpVerdict Verdict, SmtpStage Stage, SmtpCause Cause)
{
    /// <summary>What the server said; with another cause than <see cref="SmtpCause.Reply"/> null, or what a bound was hit by.</summary>
    public PeerReply? Reply { get; init; }

    /// <summary>Where there is no reply: what went wrong, on one line, cleaned.</summary>
    public string Detail { get; init; } = "";

    public TlsFailure? Tls { get; init; }

    public Exception? Failure { get; init; }

    public bool IsAccepted => Verdict == SmtpVerdict.Accepted;

    /// <summary>Another transaction may be tried at once, on the same connection too: nothing stands against this recipient.</summary>
    public bool MayGoAtOnce => Cause is SmtpCause.NotAsked or SmtpCause.TooManyRecipients;

    /// <summary>One line for a log or a report.</summary>
    public string Text => Reply?.ToString() ?? Detail;

    internal static SmtpResult Of(SmtpStage stage, PeerReply reply) =>
        new(reply.Code switch { < 400 => SmtpVerdict.Accepted, < 500 => SmtpVerdict.Temporary, _ => SmtpVerdict.Permanent }, stage, SmtpCause.Reply) { Reply = reply };

    /// <summary>No reply came, or none that means anything.</summary>
    internal static SmtpResult Of(SmtpStage stage, in Heard heard) =>
        heard.Reply is { } reply ? Of(stage, reply) : new(SmtpVerdict.Temporary, stage, heard.Cause) { Detail = heard.Detail };

    internal static SmtpResult Local(SmtpVerdict verdict, SmtpStage stage, SmtpCause cause, string detail) => new(verdict, stage, cause) { Detail = detail };
}

/// <summary>How a transaction went.</summary>
/// <param name="Recipients">In the order of the mail's.</param>
/// <param name="Uncertain">
/// The end of the content was sent, at least in part, and no reply came that says what became of it: recipients that are temporary at
/// <see cref="SmtpStage.EndOfData"/> may have it. What is sent again may arrive twice.
/// </param>
public sealed record SmtpSendResult(IReadOnlyList<SmtpResult> Recipients, bool Uncertain);

/// <summary>A reply, or why there is none.</summary>
internal readonly record struct Heard(PeerReply? Reply, SmtpCause Cause, string Detail);
