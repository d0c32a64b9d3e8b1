using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Pop3;

/// <summary>
/// What a POP3 session asks; one instance a connection, never called by two threads at once. An exception becomes <c>-ERR [SYS/TEMP]</c> and is
/// handed to <see cref="Failed"/>. Tokens fire when the connection is aborted.
/// </summary>
public interface IPop3Backend : IAsyncDisposable
{
    /// <summary>Takes the snapshot of INBOX that the session works on, once its <see cref="ISaslBackend"/> has accepted a login. Null: not now.</summary>
    ValueTask<IPop3Maildrop?> OpenMaildropAsync(SaslIdentity identity, CancellationToken cancellationToken);

    /// <summary>An exception of this backend or its maildrop, for the log.</summary>
    void Failed(Exception failure);
}

/// <summary>
/// The messages that were in INBOX at login, by index from 0: a snapshot that never changes under the session, whatever other sessions do.
/// </summary>
public interface IPop3Maildrop : IAsyncDisposable
{
    int Count { get; }

    /// <summary>
    /// The size that RETR sends, without stuffed dots (RFC 1939 §11): a message that does not end in CRLF counts two octets more, those that the
    /// session adds; an empty one counts none.
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
