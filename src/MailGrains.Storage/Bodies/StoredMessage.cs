using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Storage.Bodies;

/// <summary>The row <c>m:{emailId}</c>: all of a kept message but its bytes.</summary>
/// <param name="ReceivedAt">To the millisecond.</param>
/// <param name="PrefixLength">Octets of the header fields before the content (Return-Path, Delivered-To, Received …).</param>
/// <param name="ContentLength">Octets of the content as received.</param>
/// <param name="Blob">Where the content lies; null when it is in the row <c>b:{emailId}</c>.</param>
/// <param name="Prefix">The prefix when <paramref name="Blob"/> is set; an inline message has it beside its content in <c>b:</c>.</param>
/// <param name="Summary">The encoded MailGrains.Messages.Summaries.MessageSummary of the content, without the prefix.</param>
/// <param name="Envelope">Of a queue's message: the queue's own record of it; else null.</param>
public sealed record StoredMessage(
    EmailId Email, DateTimeOffset ReceivedAt, string TraceId, int PrefixLength, long ContentLength, BodyBlob? Blob,
    ReadOnlyMemory<byte> Prefix, ReadOnlyMemory<byte> Summary, ReadOnlyMemory<byte>? Envelope = null)
{
    /// <summary>Octets of prefix and content: RFC822.SIZE, and what the quota counts.</summary>
    public long Bytes => PrefixLength + ContentLength;

    public bool IsInline => Blob is null;
}
