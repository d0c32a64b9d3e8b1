using System.Buffers.Binary;
using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// The layout of a message's rows in its holder's partition.
/// <code>
/// m:{emailId}   h  head: format 1, flags (1 blob, 2 shared), received at (Unix ms, 8 bytes), prefix length (4), content length (8),
///                  account (4), length of the trace id (2), trace id, name of the blob (the rest)
///               s  summary, s1, s2 … its further pieces of 64 KiB
///               p  prefix, when the content is a blob
///               e  of a queue's message: its envelope, e1, e2 … its further pieces
/// b:{emailId}   f  format 1
///               p  prefix
///               c  content, at most 32 KiB, as received
/// </code>
/// An inline message can be read whole from its b row alone, and m rows of a folder can be listed without reading a body.
/// A reader that meets another format refuses (<see cref="StoreFailure.Unreadable"/>).
/// </summary>
public static class MessageRows
{
    private const byte Format = 1;
    private const byte BlobFlag = 1;
    private const byte SharedFlag = 2;
    private const string Summary = "s";
    private const string Envelope = "e";
    private const int HeadBytes = 1 + 1 + 8 + 4 + 8 + 4 + 2;

    public const int MaxPrefixBytes = TableLimits.MaxPropertyBytes;

    /// <summary>The key of the row with all of a message but its bytes; keys order by time.</summary>
    public static string MessageRow(EmailId email) => string.Concat("m:", email.ToString());

    /// <summary>The key of the row with the bytes of an inline message.</summary>
    public static string BodyRow(EmailId email) => string.Concat("b:", email.ToString());

    /// <summary>All m rows of a partition.</summary>
    public static KeyRange AllMessages => KeyRange.Prefix("m:");

    /// <summary>The writes that keep a delivery: one row, or two when its body is inline. A repeat writes the same bytes.</summary>
    public static IReadOnlyList<TableOperation> Of(MailboxDelivery delivery) => Of(new MessageToKeep(
        delivery.Email, delivery.TraceId, delivery.Prefix, delivery.Body, delivery.Summary, delivery.ReceivedAt, null));

    /// <summary>The writes that keep a message in a queue.</summary>
    /// <param name="envelope">The queue's own record of reverse-path, recipients and what they ask for.</param>
    public static IReadOnlyList<TableOperation> Of(QueuedMessage message, byte[] envelope) => Of(new MessageToKeep(
        message.Email, message.TraceId, message.Trace, message.Body, message.Summary, message.ReceivedAt, envelope));

    private static IReadOnlyList<TableOperation> Of(in MessageToKeep message)
    {
        var head = Head(message);
        if (message.Body.Inline is not { } content)
        {
            return [TableOperation.Upsert(MessageRow(message.Email), MessageProperties(head, message, message.Prefix))];
        }

        return
        [
            TableOperation.Upsert(MessageRow(message.Email), MessageProperties(head, message, null)),
            TableOperation.Upsert(BodyRow(message.Email), new RowProperties([new("f", (long)Format), new("p", message.Prefix), new("c", content)])),
        ];
    }

    /// <summary>The writes that remove a message's rows; they must exist, in any version.</summary>
    public static IReadOnlyList<TableOperation> Delete(EmailId email, bool isInline) => isInline
        ? [TableOperation.Delete(MessageRow(email)), TableOperation.Delete(BodyRow(email))]
        : [TableOperation.Delete(MessageRow(email))];

    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>.</exception>
    public static StoredMessage Read(TableRow row)
    {
        if (row.Bytes("h") is not { } memory || memory.Length < HeadBytes || memory.Span[0] != Format)
        {
            throw Unreadable(row);
        }

        var head = memory.Span;
        var flags = head[1];
        var traceLength = BinaryPrimitives.ReadUInt16BigEndian(head[26..]);
        if (head.Length < HeadBytes + traceLength || !EmailIdOf(row, out var email))
        {
            throw Unreadable(row);
        }

        var blob = (flags & BlobFlag) == 0
            ? null
            : new BodyBlob(
                BinaryPrimitives.ReadInt32BigEndian(head[22..]),
                Encoding.UTF8.GetString(head[(HeadBytes + traceLength)..]),
                (flags & SharedFlag) != 0);
        return new StoredMessage(
            email,
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(head[2..])),
            Encoding.UTF8.GetString(head.Slice(HeadBytes, traceLength)),
            BinaryPrimitives.ReadInt32BigEndian(head[10..]),
            BinaryPrimitives.ReadInt64BigEndian(head[14..]),
            blob,
            row.Bytes("p") ?? default,
            Joined(row, Summary) ?? throw Unreadable(row),
            Joined(row, Envelope));
    }

    /// <summary>Prefix and content of a b row.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>.</exception>
    public static (ReadOnlyMemory<byte> Prefix, ReadOnlyMemory<byte> Content) ReadBody(TableRow row) =>
        row.Number("f") == Format && row.Bytes("p") is { } prefix && row.Bytes("c") is { } content
            ? (prefix, content)
            : throw Unreadable(row);

    private static byte[] Head(in MessageToKeep message)
    {
        var blob = message.Body.Blob;
        var traceLength = Encoding.UTF8.GetByteCount(message.TraceId);
        var head = new byte[HeadBytes + traceLength + (blob is null ? 0 : Encoding.UTF8.GetByteCount(blob.Name))];
        head[0] = Format;
        head[1] = blob is null ? (byte)0 : blob.Shared ? (byte)(BlobFlag | SharedFlag) : BlobFlag;
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(2), message.ReceivedAt.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(10), message.Prefix.Length);
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(14), message.Body.Length);
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(22), blob?.Account ?? 0);
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(26), (ushort)traceLength);
        Encoding.UTF8.GetBytes(message.TraceId, head.AsSpan(HeadBytes));
        if (blob is not null)
        {
            Encoding.UTF8.GetBytes(blob.Name, head.AsSpan(HeadBytes + traceLength));
        }

        return head;
    }

    private static RowProperties MessageProperties(byte[] head, in MessageToKeep message, byte[]? prefix)
    {
        if (message.Summary.Length <= TableLimits.MaxPropertyBytes && message.Envelope is null)
        {
            return prefix is null
                ? new RowProperties([new("h", head), new("s", message.Summary)])
                : new RowProperties([new("h", head), new("s", message.Summary), new("p", prefix)]);
        }

        var properties = new List<KeyValuePair<string, TableValue>> { new("h", head) };
        AddPieces(properties, Summary, message.Summary);
        if (prefix is not null)
        {
            properties.Add(new("p", prefix));
        }

        if (message.Envelope is { } envelope)
        {
            AddPieces(properties, Envelope, envelope);
        }

        return new RowProperties([.. properties]);
    }

    private static void AddPieces(List<KeyValuePair<string, TableValue>> properties, string name, byte[] bytes)
    {
        var offset = 0;
        do
        {
            var piece = bytes.AsMemory(offset, Math.Min(TableLimits.MaxPropertyBytes, bytes.Length - offset));
            properties.Add(new(PieceName(name, offset / TableLimits.MaxPropertyBytes), (ReadOnlyMemory<byte>)piece));
            offset += piece.Length;
        }
        while (offset < bytes.Length);
    }

    private static ReadOnlyMemory<byte>? Joined(TableRow row, string name)
    {
        if (row.Bytes(name) is not { } first || row.Bytes(PieceName(name, 1)) is null)
        {
            return row.Bytes(name);
        }

        var joined = new MemoryStream();
        joined.Write(first.Span);
        for (var piece = 1; row.Bytes(PieceName(name, piece)) is { } bytes; piece++)
        {
            joined.Write(bytes.Span);
        }

        return joined.ToArray();
    }

    private static string PieceName(string name, int piece) =>
        piece == 0 ? name : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}{piece}");

    private static bool EmailIdOf(TableRow row, out EmailId email)
    {
        var isMessage = row.Row.Length == 34 && row.Row.StartsWith("m:", StringComparison.Ordinal);
        email = isMessage ? EmailId.Parse(row.Row[2..]) : default;
        return isMessage;
    }

    private static StoreException Unreadable(TableRow row) =>
        new(StoreFailure.Unreadable, $"Row '{row.Row}' of '{row.Partition}' is damaged or of a newer format.");

    private readonly record struct MessageToKeep(
        EmailId Email, string TraceId, byte[] Prefix, MessageBody Body, byte[] Summary, DateTimeOffset ReceivedAt, byte[]? Envelope);
}
