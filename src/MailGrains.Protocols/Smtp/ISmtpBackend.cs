using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// What a session asks about one connection's mail; one instance a connection, never called by two threads at once. The session has
/// checked syntax, order and its own limits before it asks. A positive reply (2yz) moves the transaction on, any other leaves it where it
/// was, and 421 closes the session. An exception becomes 451 4.3.0 and is handed to <see cref="Failed"/>. Tokens fire when the connection
/// is aborted.
/// </summary>
public interface ISmtpBackend : IAsyncDisposable
{
    /// <summary>The connection is encrypted from here on; what the client said before is forgotten (RFC 3207 §4.2).</summary>
    void Secured(TlsFacts tls);

    /// <summary>EHLO or HELO was accepted; no transaction is open.</summary>
    void Hello(SmtpHello hello);

    /// <summary>AUTH was accepted; it holds for the rest of the connection.</summary>
    void Authenticated(SaslIdentity identity);

    /// <summary>MAIL: opens a transaction.</summary>
    ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken);

    /// <summary>RCPT: at most <see cref="SmtpServerOptions.MaxRecipients"/> are asked in a transaction.</summary>
    ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken);

    /// <summary>DATA, or the first BDAT, after at least one accepted recipient: where the content goes, or a refusal.</summary>
    ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken);

    /// <summary>
    /// ETRN (RFC 1985), never in a transaction: starts what waits for a node. Asked only where <see cref="SmtpExtensions.Etrn"/> is offered, of any
    /// client: who may is the backend's to say. The answers are <see cref="EtrnReplies"/>.
    /// </summary>
    ValueTask<SmtpReply> EtrnAsync(EtrnNode node, CancellationToken cancellationToken) => new(SmtpReply.NotImplemented502);

    /// <summary>The transaction is over: RSET, EHLO, STARTTLS, or its content was answered. Not called when the connection ends.</summary>
    void Reset();

    /// <summary>An exception of this backend, or of its sink, that the client heard of as 451 4.3.0; for the log.</summary>
    void Failed(Exception failure);
}

/// <summary>The answer to DATA: a sink, or a reply of 4yz or 5yz.</summary>
public readonly record struct SmtpContentStart(ISmtpContentSink? Sink, SmtpReply? Refusal)
{
    public static SmtpContentStart To(ISmtpContentSink sink) => new(sink, null);

    public static SmtpContentStart Refuse(SmtpReply refusal) => new(null, refusal);
}

/// <summary>
/// Takes one message's content as it arrives: dots unstuffed, every line ended by CRLF, no bare CR, LF or NUL in what was passed on so far. After
/// BDAT the last line may have no end, and with BODY=BINARYMIME anything may follow the header section.
/// Exactly one of <see cref="CompleteAsync"/> and <see cref="AbortAsync"/> is called, as the last call, and nothing may be visible before
/// the former. An exception of <see cref="WriteAsync"/> is followed by AbortAsync.
/// </summary>
public interface ISmtpContentSink
{
    /// <summary>
    /// Takes the next piece; the session reads on only when the task is done (back-pressure). Null goes on; a reply of 4yz or 5yz refuses
    /// the message: the rest is swallowed, the sink aborted.
    /// </summary>
    /// <param name="piece">Valid until the task is done. Pieces end anywhere, a CRLF may be split.</param>
    ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken);

    /// <summary>The content is whole: 250 only when it is kept (RFC 5321 §4.2.5 and §6.1).</summary>
    ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken);

    /// <summary>The content ends here and is to be forgotten.</summary>
    ValueTask AbortAsync(SmtpContentFailure reason);
}

/// <summary>Why content was not completed.</summary>
public enum SmtpContentFailure
{
    ConnectionLost = 1,
    TimedOut = 2,
    BareLineEnd = 3,
    NulOctet = 4,
    TextLineTooLong = 5,
    HeaderTooLarge = 6,
    MessageTooLarge = 7,

    /// <summary>The sink refused or threw.</summary>
    SinkRefused = 8,

    /// <summary>Between two chunks the client said something else than BDAT.</summary>
    Abandoned = 9,
}
