using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Delivery;

/// <summary>A message on its way to one mailbox, as the gateway hands it to <see cref="IMdaGrain"/>.</summary>
/// <param name="Email">Made once by the gateway for all mailboxes of the transaction, so that a repeated call writes the same rows.</param>
/// <param name="TraceId">Of the transaction; stands in the Received header, the 250 reply and the log.</param>
/// <param name="ReversePath">As given, without angle brackets; empty for the null reverse-path.</param>
/// <param name="Recipient">The forward-path as given, without angle brackets.</param>
/// <param name="Detail">The subaddress of user+detail@ (RFC 5233), or empty.</param>
/// <param name="Trace">The Received header field (and later the verdict headers), whole lines ending in CRLF.</param>
/// <param name="Summary">The encoded summary of the content (MailGrains.Messages.Summaries.MessageSummary).</param>
/// <param name="ThreadId">Of the message's conversation (RFC 8474), made from References, In-Reply-To or Message-ID.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DeliveryRequest")]
public sealed record DeliveryRequest(
    [property: Id(0)] MailboxId Mailbox,
    [property: Id(1)] DeliveryId DeliveryId,
    [property: Id(2)] string TraceId,
    [property: Id(3)] string ReversePath,
    [property: Id(4)] string Recipient,
    [property: Id(5)] string Detail,
    [property: Id(6)] byte[] Trace,
    [property: Id(7)] MessageBody Body,
    [property: Id(8)] byte[] Summary,
    [property: Id(9)] ulong ThreadId,
    [property: Id(10)] DateTimeOffset ReceivedAt,
    [property: Id(11)] EmailId Email)
{
    /// <summary>The most <see cref="OtherIds"/> that are kept; more recipients of one transaction that mean one mailbox are no use.</summary>
    public const int MaxOtherIds = 32;

    /// <summary>
    /// The ids under other recipients of the transaction that lead to the same mailbox: a client may repeat the message to one of them alone.
    /// </summary>
    [Id(12)]
    public ImmutableArray<DeliveryId> OtherIds { get; init; } = [];

    /// <summary>A filter took it for unwanted: it goes to the folder for such mail.</summary>
    [Id(13)]
    public bool IsJunk { get; init; }
}

/// <summary>What the mail delivery agent decided, as <see cref="IMailboxGrain.DeliverAsync"/> commits it.</summary>
/// <param name="Prefix">Header fields before the content: Return-Path, Delivered-To and the trace, whole lines ending in CRLF.</param>
/// <param name="Folder">The folder's name.</param>
/// <param name="Keywords">IMAP flags and keywords set at delivery.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.MailboxDelivery")]
public sealed record MailboxDelivery(
    [property: Id(0)] DeliveryId DeliveryId,
    [property: Id(1)] string TraceId,
    [property: Id(2)] string Folder,
    [property: Id(3)] ImmutableArray<string> Keywords,
    [property: Id(4)] byte[] Prefix,
    [property: Id(5)] MessageBody Body,
    [property: Id(6)] byte[] Summary,
    [property: Id(7)] ulong ThreadId,
    [property: Id(8)] DateTimeOffset ReceivedAt,
    [property: Id(9)] EmailId Email)
{
    /// <inheritdoc cref="DeliveryRequest.OtherIds"/>
    [Id(10)]
    public ImmutableArray<DeliveryId> OtherIds { get; init; } = [];

    /// <summary>
    /// The ids of a copy with a better verdict. Where one is kept this delivery is a repeat of it; they are looked for only, never remembered, so
    /// that the better copy is still taken after this one.
    /// </summary>
    [Id(11)]
    public ImmutableArray<DeliveryId> BetterIds { get; init; } = [];

    /// <summary>The folder of this use (RFC 6154), where there is one, comes before <see cref="Folder"/>; empty for none.</summary>
    [Id(12)]
    public string SpecialUse { get; init; } = "";
}

public enum DeliveryStatus
{
    /// <summary>Committed now.</summary>
    Delivered = 1,

    /// <summary>Committed earlier under the same delivery id; <see cref="DeliveryResult.Email"/> is the message that was kept.</summary>
    Repeated = 2,

    /// <summary>The mailbox was deleted or never made: permanent.</summary>
    NoMailbox = 3,

    /// <summary>The mailbox is over its quota: temporary (452 4.2.2).</summary>
    OverQuota = 4,

    /// <summary>The store has no room: temporary (452 4.3.1).</summary>
    StoreFull = 5,

    /// <summary>A passing failure; it may or may not have been committed (451 4.3.0).</summary>
    Unavailable = 6,
}

/// <param name="Email">The message that the mailbox keeps; default where it keeps none.</param>
/// <param name="KeptBody">With <see cref="DeliveryStatus.Repeated"/>: the blob of the kept message, null when its body is inline.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DeliveryResult")]
public sealed record DeliveryResult(
    [property: Id(0)] DeliveryStatus Status, [property: Id(1)] EmailId Email, [property: Id(2)] BodyBlob? KeptBody)
{
    public static DeliveryResult Of(DeliveryStatus status) => new(status, default, null);

    /// <summary>The message is kept: the sender may hear 250.</summary>
    public bool IsKept => Status is DeliveryStatus.Delivered or DeliveryStatus.Repeated;
}
