namespace MailGrains.Protocols.Smtp.Client;

/// <summary>One transaction's mail.</summary>
/// <param name="Parameters">
/// As a server's session reads them. SIZE is written of the content's length, whatever it says here. Those that the server does not offer are left out, but
/// for those without which the mail must not be sent: SMTPUTF8, BODY=8BITMIME and BINARYMIME, and what <see cref="SmtpCause.NotOffered"/> says.
/// </param>
/// <param name="Recipients">One at least.</param>
public sealed record OutgoingMail(ReversePath ReversePath, MailParameters Parameters, IReadOnlyList<OutgoingRecipient> Recipients, OutgoingContent Content)
{
    /// <summary>
    /// Asked when all but the end of the content has been sent (by BDAT: but the last chunk): false, or an exception, drops the connection without the
    /// end, so nothing was taken. The server waits meanwhile: minutes are too long. Null: yes.
    /// </summary>
    public Func<CancellationToken, ValueTask<bool>>? MayEnd { get; init; }
}

public sealed record OutgoingRecipient(ForwardPath ForwardPath)
{
    public RcptParameters Parameters { get; init; }
}

/// <summary>
/// A message's content, as the server is to have it: lines ended by CRLF, dots as they are. It is read once a transaction, in pieces, and never held
/// whole.
/// </summary>
/// <param name="Head">Sent before the body: trace fields, or the whole message.</param>
/// <param name="BodyLength">Octets that <paramref name="OpenBody"/> yields, neither more nor less, or the mail is not sent.</param>
/// <param name="OpenBody">Called when the server wants the content; the stream is disposed. Null: there is only the head.</param>
public sealed record OutgoingContent(
    ReadOnlyMemory<byte> Head, long BodyLength = 0, Func<CancellationToken, ValueTask<Stream>>? OpenBody = null)
{
    public long Length => Head.Length + BodyLength;
}
