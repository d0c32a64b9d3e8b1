using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Queues;

/// <summary>A message for recipients of one domain, as it is put into that domain's queue. It never changes there.</summary>
/// <param name="Email">Made once a transaction, so that a repeated call writes the same rows; also the name of the body's blob.</param>
/// <param name="TraceId">Of the transaction; stands in the Received header, the 250 reply and the log.</param>
/// <param name="ReversePath">Without angle brackets; empty for the null reverse-path.</param>
/// <param name="Recipients">All of the queue's domain, or all local (<see cref="QueuedRecipient.Mailbox"/>); 1 to <see cref="MaxRecipients"/>.</param>
/// <param name="Trace">Header fields of ours before the content (Received, verdicts), whole lines ending in CRLF.</param>
/// <param name="Summary">The encoded summary of the content; for mailboxes.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueuedMessage")]
public sealed record QueuedMessage(
    [property: Id(0)] EmailId Email,
    [property: Id(1)] string TraceId,
    [property: Id(2)] string ReversePath,
    [property: Id(3)] ImmutableArray<QueuedRecipient> Recipients,
    [property: Id(4)] byte[] Trace,
    [property: Id(5)] MessageBody Body,
    [property: Id(6)] byte[] Summary,
    [property: Id(7)] ulong ThreadId,
    [property: Id(8)] DateTimeOffset ReceivedAt)
{
    /// <summary>Those of one SMTP transaction.</summary>
    public const int MaxRecipients = 1_000;

    [Id(9)]
    public MessageNeeds Needs { get; init; } = MessageNeeds.None;

    /// <summary>RET= (RFC 3461 §4.3).</summary>
    [Id(10)]
    public ReturnContent Return { get; init; }

    /// <summary>ENVID= (RFC 3461 §4.4), decoded; null when it was not given.</summary>
    [Id(11)]
    public string? EnvelopeId { get; init; }

    /// <summary>FUTURERELEASE (RFC 4865): not sent before.</summary>
    [Id(12)]
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>BY= (RFC 2852).</summary>
    [Id(13)]
    public DeliverBy? DeliverBy { get; init; }

    /// <summary>MT-PRIORITY (RFC 6710), -9 to 9.</summary>
    [Id(14)]
    public int Priority { get; init; }

    /// <summary>The address of the account that submitted it, for operators and the trace; null for mail from outside and our own.</summary>
    [Id(15)]
    public string? Submitter { get; init; }

    /// <summary>The name or address of the host that gave it to us (RFC 3464 §2.2.5), for delivery reports; null: ourselves.</summary>
    [Id(16)]
    public string? ReceivedFrom { get; init; }

    /// <summary>Octets over the wire: trace and content.</summary>
    public long Bytes => Trace.Length + Body.Length;

    public bool NeedsSmtpUtf8 => (Needs & MessageNeeds.SmtpUtf8) != 0;
}

/// <summary>What a message asks of every server on its way.</summary>
[Flags]
public enum MessageNeeds
{
    None = 0,

    /// <summary>BODY=8BITMIME was given, or the content has octets over 127.</summary>
    EightBitMime = 1,

    /// <summary>BODY=BINARYMIME (RFC 3030).</summary>
    BinaryMime = 2,

    /// <summary>SMTPUTF8 (RFC 6531) was given.</summary>
    SmtpUtf8 = 4,

    /// <summary>REQUIRETLS (RFC 8689).</summary>
    RequireTls = 8,

    /// <summary>The header field TLS-Required: No (RFC 8689 §3): policies on TLS are not to hold it up.</summary>
    TlsOptional = 16,
}

/// <summary>RET= of RFC 3461 §4.3.</summary>
public enum ReturnContent
{
    /// <summary>Not given: the server's choice.</summary>
    Unspecified = 0,
    Full = 1,
    Headers = 2,
}

/// <summary>NOTIFY= of RFC 3461 §4.1.</summary>
[Flags]
public enum NotifyOn
{
    /// <summary>Not given: failure, and delay.</summary>
    Unspecified = 0,
    Never = 1,
    Success = 2,
    Failure = 4,
    Delay = 8,
}

/// <param name="At">When it is too late.</param>
/// <param name="Returns">R: then it is returned; else (N) its sender is told, and it goes on.</param>
/// <param name="Trace">T: relays report.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DeliverBy")]
public sealed record DeliverBy([property: Id(0)] DateTimeOffset At, [property: Id(1)] bool Returns, [property: Id(2)] bool Trace);

/// <summary>One recipient of a <see cref="QueuedMessage"/>.</summary>
/// <param name="ForwardPath">As the next server gets it, without angle brackets.</param>
/// <param name="DeliveryId">Recognises a repeated hand-over; <see cref="DeliveryId.None"/>: the message's id does.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueuedRecipient")]
public sealed record QueuedRecipient([property: Id(0)] string ForwardPath, [property: Id(1)] DeliveryId DeliveryId)
{
    [Id(2)]
    public NotifyOn Notify { get; init; }

    /// <summary>ORCPT= (RFC 3461 §4.2) as <c>type;address</c>, decoded; null when it was not given.</summary>
    [Id(3)]
    public string? OriginalRecipient { get; init; }

    /// <summary>The reverse-path where this recipient has another than the message: rewritten for an alias that leads elsewhere (SRS).</summary>
    [Id(4)]
    public string? ReversePath { get; init; }

    /// <summary>A mailbox here whose hand-over failed for a moment; null: another server's.</summary>
    [Id(5)]
    public MailboxId? Mailbox { get; init; }

    /// <summary>With <see cref="Mailbox"/>: the subaddress (RFC 5233), or empty.</summary>
    [Id(6)]
    public string Detail { get; init; } = "";

    /// <summary>A filter took it for unwanted: its sender, who is seldom the one who is named, hears nothing.</summary>
    [Id(7)]
    public bool IsJunk { get; init; }

    /// <summary>With <see cref="Mailbox"/>: see <see cref="DeliveryRequest.OtherIds"/>.</summary>
    [Id(8)]
    public ImmutableArray<DeliveryId> OtherIds { get; init; } = [];

    /// <summary>
    /// The list that led here, where its sender wants to hear of success: that the message went to the list is what is told (RFC 3461 §5.2.7.3), once, with
    /// one of its members. Null for all others.
    /// </summary>
    [Id(9)]
    public string? ExpandedFrom { get; init; }
}

public enum EnqueueStatus
{
    /// <summary>Committed now.</summary>
    Queued = 1,

    /// <summary>All recipients were taken earlier under the same delivery ids.</summary>
    Repeated = 2,

    /// <summary>The queue or the store has no room: temporary (452 4.3.1).</summary>
    Full = 3,

    /// <summary>A passing failure; it may or may not have been committed (451 4.3.0).</summary>
    Unavailable = 4,
}

/// <param name="KeptBody">With <see cref="EnqueueStatus.Repeated"/>: the blob of the kept message, null when its body is inline or it has gone.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.EnqueueResult")]
public sealed record EnqueueResult([property: Id(0)] EnqueueStatus Status, [property: Id(1)] BodyBlob? KeptBody)
{
    public static EnqueueResult Of(EnqueueStatus status) => new(status, null);

    /// <summary>The message is kept: the sender may hear 250.</summary>
    public bool IsKept => Status is EnqueueStatus.Queued or EnqueueStatus.Repeated;
}
