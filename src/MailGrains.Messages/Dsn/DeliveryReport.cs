using System.Collections.Immutable;

namespace MailGrains.Messages.Dsn;

/// <summary>What became of a message for one recipient (RFC 3464 §2.3.3).</summary>
public enum DeliveryAction
{
    /// <summary>It was given up.</summary>
    Failed = 1,

    /// <summary>It is still tried.</summary>
    Delayed = 2,

    /// <summary>It is in the recipient's mailbox.</summary>
    Delivered = 3,

    /// <summary>The next server has it, and does not report (RFC 3461 §5.2.2).</summary>
    Relayed = 4,

    /// <summary>It was delivered to an address that passes it on to others.</summary>
    Expanded = 5,
}

/// <summary>One recipient of a <see cref="DeliveryReport"/>. What servers said is data: it can't break out of the place where it is quoted.</summary>
/// <param name="Address">As the last server got it, without angle brackets.</param>
/// <param name="Status">Such as <c>5.1.1</c>; what does not fit the action, or is no status, is replaced by what <see cref="Code"/> stands for.</param>
public sealed record ReportedRecipient(string Address, DeliveryAction Action, string? Status)
{
    /// <summary>ORCPT= (RFC 3461 §4.2) as <c>type;address</c>, decoded; null when it was not given.</summary>
    public string? OriginalRecipient { get; init; }

    /// <summary>The server that answered, or was to.</summary>
    public string? RemoteMta { get; init; }

    /// <summary>Of the server's reply; 0: <see cref="Text"/> is what we have to say.</summary>
    public int Code { get; init; }

    /// <summary>What the server said, or what went wrong, on one line.</summary>
    public string Text { get; init; } = "";

    public DateTimeOffset? LastAttemptAt { get; init; }

    /// <summary>With <see cref="DeliveryAction.Delayed"/>.</summary>
    public DateTimeOffset? RetriedUntil { get; init; }

    /// <summary>Under which the last server has it (RFC 3464 §2.3.8).</summary>
    public string? LogId { get; init; }

    /// <summary>With <see cref="DeliveryAction.Failed"/>: nothing refused it for good, but its time is over.</summary>
    public bool IsExpired { get; init; }
}

/// <summary>A delivery status notification (RFC 3464): what its reader is to learn. Written by <see cref="ReportWriter"/>.</summary>
public sealed record DeliveryReport
{
    /// <summary>Our host name.</summary>
    public required string ReportingMta { get; init; }

    /// <summary>The domain of the From address, MAILER-DAEMON at it: the tenant's.</summary>
    public required string Domain { get; init; }

    /// <summary>Who gets it: the original's reverse-path, or a postmaster. Never empty: nobody is told what became of a report (RFC 3461 §6.1).</summary>
    public required string To { get; init; }

    /// <summary>Without angle brackets. The same one for the same report, however often it is written.</summary>
    public required string MessageId { get; init; }

    public required DateTimeOffset Date { get; init; }

    /// <summary>One at least. No more than <see cref="ReportWriter.MaxRecipients"/> are listed, the first ones.</summary>
    public required ImmutableArray<ReportedRecipient> Recipients { get; init; }

    /// <summary>ENVID= (RFC 3461 §4.4), decoded.</summary>
    public string? EnvelopeId { get; init; }

    public DateTimeOffset? ArrivedAt { get; init; }

    /// <summary>
    /// BY= (RFC 2852), with <see cref="ArrivedAt"/>. Once it has passed, what expired or is delayed has the status x.4.7, whatever the last attempt met.
    /// </summary>
    public DateTimeOffset? DeliverBy { get; init; }

    /// <summary>HOLDFOR= or HOLDUNTIL= (RFC 4865) as <c>for;3600</c> or <c>until;2030-01-31T08:00:00Z</c>; with <see cref="ArrivedAt"/>, which it needs.</summary>
    public string? FutureReleaseRequest { get; init; }

    /// <summary>The host that gave us the message; null: we had it from its author.</summary>
    public string? ReceivedFrom { get; init; }

    /// <summary>RET=FULL (RFC 3461 §4.3). Counts for reports of failure only, and for messages up to <see cref="ReturnedMessage.MaxBytes"/>. Never with REQUIRETLS (RFC 8689 §5).</summary>
    public bool ReturnsFull { get; init; }

    /// <summary>The original came by SMTPUTF8: its sender's side reads the forms of RFC 6533.</summary>
    public bool SmtpUtf8 { get; init; }

    /// <summary>No octet over 127 is written, but in <see cref="To"/>.</summary>
    public bool SevenBit { get; init; }
}

/// <param name="Content">Lines end in CRLF, none has more than 998 octets.</param>
/// <param name="Listed">How many recipients are in it, the first ones; the others are only counted.</param>
/// <param name="IsEightBit">It has octets over 127: BODY=8BITMIME.</param>
/// <param name="NeedsSmtpUtf8">Its header has them.</param>
public sealed record ReportMessage(ReadOnlyMemory<byte> Content, int Listed, bool IsEightBit, bool NeedsSmtpUtf8);
