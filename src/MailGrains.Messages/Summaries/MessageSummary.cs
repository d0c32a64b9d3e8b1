using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// What IMAP, JMAP and POP3 answer about a message without reading its body. Made once, when the message comes in, by
/// <see cref="SummaryReader"/>; about the content as received, without the trace header fields that a delivery puts before it.
/// </summary>
public sealed record MessageSummary
{
    public required Envelope Envelope { get; init; }

    /// <summary>The ids of References (RFC 5322 §3.6.4) without brackets: the first and the last ones where there are too many.</summary>
    public ImmutableArray<string> References { get; init; } = [];

    /// <summary>The Date field, where it is a date.</summary>
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>How many Received fields the header has.</summary>
    public int ReceivedCount { get; init; }

    /// <summary>TLS-Required: No (RFC 8689 §3): its sender would rather have it delivered than protected.</summary>
    public bool TlsIsOptional { get; init; }

    /// <summary>There is something that a reader would offer to save (RFC 8621 §4.1.4).</summary>
    public bool HasAttachment { get; init; }

    /// <summary>The text's beginning for message lists (RFC 8970), at most 256 characters, whitespace collapsed.</summary>
    public string Preview { get; init; } = "";

    public required BodyPart Body { get; init; }

    /// <summary>The structure broke a limit or could not be read: <see cref="Body"/> is one part that holds everything after the header.</summary>
    public bool IsOpaque { get; init; }

    /// <summary>Octets of the content.</summary>
    public long Size { get; init; }

    /// <summary>Octets of the header with the blank line that ends it; 0 for a message without a header.</summary>
    public long HeaderLength => Body.BodyOffset;

    /// <summary>Without one, equal bytes may be two messages.</summary>
    public bool HasMessageId => HeaderValue.FirstMessageId(Envelope.MessageId) is not null;

    /// <summary>
    /// The conversation (RFC 8474 THREADID): from the first id of References, else In-Reply-To, else Message-ID; null when there is none, and
    /// the message is its own conversation.
    /// </summary>
    public ulong? ThreadId()
    {
        var root = References.IsEmpty
            ? HeaderValue.FirstMessageId(Envelope.InReplyTo) ?? HeaderValue.FirstMessageId(Envelope.MessageId)
            : References[0];
        return root is null ? null : BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(root)));
    }

    public byte[] Encode() => SummaryCodec.Encode(this);

    /// <exception cref="FormatException">Damaged, or of a newer format.</exception>
    public static MessageSummary Decode(ReadOnlySpan<byte> bytes) => SummaryCodec.Decode(bytes);
}
