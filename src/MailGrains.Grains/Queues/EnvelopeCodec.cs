using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Records;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;

namespace MailGrains.Grains.Queues;

/// <summary>What a queue's row <c>m</c> keeps of a message beside its summary: reverse-path, recipients, and what they ask for.</summary>
internal static class EnvelopeCodec
{
    /// <summary>A row holds 1 MiB, and the summary is in it too.</summary>
    public const int MaxBytes = 512 * 1024;

    private const byte Format = 1;

    /// <summary>Each recipient ends with the list that led to it.</summary>
    private const byte FormatWithLists = 2;

    public static byte[] Encode(QueuedMessage message)
    {
        var record = new RecordWriter(256);
        var hasLists = message.Recipients.Any(recipient => recipient.ExpandedFrom is not null);
        record.Byte(hasLists ? FormatWithLists : Format);
        record.Text(message.ReversePath);
        record.Number((ulong)message.Needs);
        record.Number((ulong)message.Return);
        Text(record, message.EnvelopeId);
        Time(record, message.NotBefore);
        Time(record, message.DeliverBy?.At);
        record.Byte((byte)((message.DeliverBy is { Returns: true } ? 1 : 0) | (message.DeliverBy is { Trace: true } ? 2 : 0)));
        record.Signed(message.Priority);
        Text(record, message.Submitter);
        Text(record, message.ReceivedFrom);
        record.Fixed64(message.ThreadId);
        record.Number(message.Recipients.Length);
        foreach (var recipient in message.Recipients)
        {
            record.Text(recipient.ForwardPath);
            QueueEvents.WriteId(record, recipient.DeliveryId);
            record.Number((ulong)recipient.Notify);
            Text(record, recipient.OriginalRecipient);
            Text(record, recipient.ReversePath);
            Text(record, recipient.Mailbox?.ToString());
            record.Text(recipient.Detail);
            record.Byte(recipient.IsJunk ? (byte)1 : (byte)0);
            var others = recipient.OtherIds.IsDefault ? [] : recipient.OtherIds;
            record.Number(others.Length);
            foreach (var id in others)
            {
                QueueEvents.WriteId(record, id);
            }

            if (hasLists)
            {
                Text(record, recipient.ExpandedFrom);
            }
        }

        return record.Written.ToArray();
    }

    /// <summary>The message of its rows.</summary>
    /// <param name="prefix">Of the row that has it.</param>
    /// <param name="inline">The content of the row b; null where it is a blob.</param>
    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>.</exception>
    public static QueuedMessage Decode(StoredMessage stored, ReadOnlyMemory<byte> prefix, byte[]? inline)
    {
        var record = new RecordReader((stored.Envelope ?? throw RecordReader.Damaged()).Span);
        var hasLists = record.Format(Format, FormatWithLists) == FormatWithLists;
        var reversePath = record.Text();
        var (needs, returns) = ((MessageNeeds)record.Int32(), (ReturnContent)record.Int32());
        var (envelopeId, notBefore, by, byFlags) = (Text(ref record), Time(ref record), Time(ref record), record.Byte());
        var (priority, submitter, receivedFrom, thread) = ((int)record.Signed(), Text(ref record), Text(ref record), record.Fixed64());
        var recipients = ImmutableArray.CreateBuilder<QueuedRecipient>(record.Items(24));
        for (var left = recipients.Capacity; left > 0; left--)
        {
            recipients.Add(ReadRecipient(ref record, hasLists));
        }

        return new QueuedMessage(
            stored.Email, stored.TraceId, reversePath, recipients.ToImmutable(), prefix.ToArray(), new MessageBody(stored.ContentLength, inline, stored.Blob),
            stored.Summary.ToArray(), thread, stored.ReceivedAt)
        {
            Needs = needs,
            Return = returns,
            EnvelopeId = envelopeId,
            NotBefore = notBefore,
            DeliverBy = by is { } at ? new DeliverBy(at, (byFlags & 1) != 0, (byFlags & 2) != 0) : null,
            Priority = priority,
            Submitter = submitter,
            ReceivedFrom = receivedFrom,
        };
    }

    private static QueuedRecipient ReadRecipient(ref RecordReader record, bool hasList)
    {
        var (path, id, notify) = (record.Text(), QueueEvents.ReadId(ref record), (NotifyOn)record.Int32());
        var (original, reversePath, mailbox) = (Text(ref record), Text(ref record), Text(ref record));
        var (detail, junk) = (record.Text(), record.Byte() != 0);
        var others = ImmutableArray.CreateBuilder<DeliveryId>(record.Items(16));
        for (var left = others.Capacity; left > 0; left--)
        {
            others.Add(QueueEvents.ReadId(ref record));
        }

        return new QueuedRecipient(path, id)
        {
            Notify = notify,
            OriginalRecipient = original,
            ReversePath = reversePath,
            Mailbox = mailbox is null ? null : MailboxId.Parse(mailbox),
            Detail = detail,
            IsJunk = junk,
            OtherIds = others.ToImmutable(),
            ExpandedFrom = hasList ? Text(ref record) : null,
        };
    }

    // A byte before it, so that null and empty stay two.
    private static void Text(RecordWriter record, string? text)
    {
        record.Byte(text is null ? (byte)0 : (byte)1);
        if (text is not null)
        {
            record.Text(text);
        }
    }

    private static string? Text(ref RecordReader record) => record.Byte() == 0 ? null : record.Text();

    private static void Time(RecordWriter record, DateTimeOffset? time) => record.Number(time?.ToUnixTimeMilliseconds() ?? 0);

    private static DateTimeOffset? Time(ref RecordReader record) =>
        record.Count() is > 0 and var at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null;
}
