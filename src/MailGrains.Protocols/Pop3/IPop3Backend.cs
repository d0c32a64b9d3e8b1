using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Pop3;

/// <summary>
/// What a POP3 session asks; one instance a connection, never called by two threads at once. An exception becomes <c>-ERR [SYS/TEMP]</c> and is
/// handed to <see cref="Failed"/>. Tokens fire when the connection is aborted.
/// </summary>
public interface IPop3Backend : IAsyncDisposable
{
    /// <summary>
    /// USER and PASS, or AUTH: checks the login and takes the snapshot of INBOX that the session works on. Equal cost for an unknown user and a
    /// wrong password is the backend's part, the delay after a failure the session's.
    /// </summary>
    ValueTask<Pop3Login> LoginAsync(PlainCredentials credentials, CancellationToken cancellationToken);

    /// <summary>An exception of this backend or its maildrop, for the log.</summary>
    void Failed(Exception failure);
}

/// <summary>The outcome of a login; <see cref="Maildrop"/> goes with <see cref="Pop3LoginStatus.Accepted"/> only.</summary>
public readonly record struct Pop3Login(Pop3LoginStatus Status, IPop3Maildrop? Maildrop)
{
    public static Pop3Login Accept(IPop3Maildrop maildrop) => new(Pop3LoginStatus.Accepted, maildrop);

    public static Pop3Login Refuse(Pop3LoginStatus status) => new(status, null);
}

public enum Pop3LoginStatus
{
    Accepted = 1,

    /// <summary>Wrong name or password: <c>-ERR [AUTH]</c> (RFC 3206).</summary>
    BadCredentials = 2,

    /// <summary>Right ones, but this account may not use POP3 now: <c>-ERR [SYS/PERM]</c>.</summary>
    Disabled = 3,

    /// <summary>A passing failure: <c>-ERR [SYS/TEMP]</c>.</summary>
    Unavailable = 4,
}

/// <summary>
/// The messages that were in INBOX at login, by index from 0: a snapshot that never changes under the session, whatever other sessions do.
/// </summary>
public interface IPop3Maildrop : IAsyncDisposable
{
    int Count { get; }

    /// <summary>
    /// The size that RETR sends, without stuffed dots (RFC 1939 §11): a message that does not end in CRLF counts two octets more, those that the
    /// session adds.
    /// </summary>
    long Octets(int index);

    /// <summary>1 to 70 characters from 0x21 to 0x7E, never used again in this mailbox (RFC 1939 §7).</summary>
    string UniqueId(int index);

    /// <summary>The whole message; the session reads it to its end or disposes it early. Null when it has gone since.</summary>
    ValueTask<Stream?> OpenAsync(int index, CancellationToken cancellationToken);

    /// <summary>
    /// Removes these messages, at QUIT only (RFC 1939 §6); those that are gone already are passed over. False, or an exception: not all of them.
    /// </summary>
    /// <param name="indexes">Ascending, never empty.</param>
    ValueTask<bool> DeleteAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken);
}
