using System.Collections.ObjectModel;
using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Messages.Summaries;

namespace MailGrains.Gateways.Smtp;

/// <summary>A message's content, received whole: its hash, its summary, and where each tenant's copy of it lies.</summary>
public sealed class IncomingContent
{
    private readonly MessageBody? _inline;
    private readonly IReadOnlyDictionary<string, MessageBody> _bodies;
    private bool? _isSevenBit;

    private IncomingContent(
        long bytes, byte[] hash, MessageSummary summary, MessageBody? inline, IReadOnlyDictionary<string, MessageBody> bodies, bool? isSevenBit)
    {
        Bytes = bytes;
        Hash = hash;
        Summary = summary;
        EncodedSummary = summary.Encode();
        HasMessageId = summary.HasMessageId;
        _inline = inline;
        _bodies = bodies;
        _isSevenBit = isSevenBit;
    }

    public long Bytes { get; }

    /// <summary>SHA-256 of the content as received.</summary>
    public byte[] Hash { get; private set; }

    public MessageSummary Summary { get; }

    /// <summary>The summary as it is stored: encoded once, whatever the number of mailboxes.</summary>
    public byte[] EncodedSummary { get; }

    /// <summary>Only such a message is recognised when it is repeated.</summary>
    public bool HasMessageId { get; private set; }

    /// <summary>No octet is over 127. What is in memory is looked at when it is asked for: only other servers need to know.</summary>
    public bool IsSevenBit => _isSevenBit ??= Ascii.IsValid(Inline);

    /// <summary>More than 50 Received fields: a loop (RFC 5321 §6.3).</summary>
    public bool IsLooping => Summary.ReceivedCount > MaxReceived;

    public const int MaxReceived = 50;

    /// <summary>The content in memory; null where it lies in blobs.</summary>
    public byte[]? Inline => _inline?.Inline;

    /// <summary>Blobs by tenant; empty when the content is inline.</summary>
    public IReadOnlyDictionary<string, MessageBody> Blobs => _bodies;

    public static IncomingContent OfInline(byte[] content, byte[] hash, MessageSummary summary) =>
        new(content.Length, hash, summary, new MessageBody(content.Length, content, null), ReadOnlyDictionary<string, MessageBody>.Empty, isSevenBit: null);

    public static IncomingContent OfBlobs(
        long bytes, byte[] hash, MessageSummary summary, IReadOnlyDictionary<string, MessageBody> bodies, bool isSevenBit) =>
        new(bytes, hash, summary, null, bodies, isSevenBit);

    /// <summary>The content was changed on its way here: a repeat is recognised by what was received.</summary>
    public void RecogniseBy(AsReceived received) => (Hash, HasMessageId) = (received.Hash, received.HasMessageId);

    /// <summary>A body is shared inside a tenant only.</summary>
    public MessageBody BodyFor(string tenant) => _inline ?? _bodies[tenant];
}

/// <summary>A content before it was repaired.</summary>
/// <param name="Hash">SHA-256; may be empty where there was no Message-ID.</param>
public readonly record struct AsReceived(bool HasMessageId, byte[] Hash);
