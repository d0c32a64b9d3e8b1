using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes;

/// <summary>The kinds of events in a mailbox's journal; stored, so the numbers stay.</summary>
internal enum MailboxEventKind : byte
{
    FolderMade = 1,
    QuotaSet = 2,
    KeywordAdded = 3,
    Delivered = 4,
    FlagsChanged = 5,
    Expunged = 6,
    PurgeBegun = 7,
    PurgeEnded = 8,
    DeliveryIdAdded = 9,
}

/// <summary>
/// A message that was taken into a folder. Its UID is the folder's UIDNEXT and its modseq the mailbox's next one; the event has both, so that an
/// event never depends on a reader's arithmetic.
/// </summary>
/// <param name="TakenAt">Unix milliseconds; what the delivery id's age counts from.</param>
internal readonly record struct DeliveredEvent(int Folder, IndexEntry Entry, DeliveryId DeliveryId, long TakenAt);

/// <summary>Another id that a message is known by, from the same time on as its own.</summary>
internal readonly record struct DeliveryIdAddedEvent(DeliveryId Id, EmailId Email, long TakenAt);

/// <summary>Flags of messages that changed by it, all to the same modseq; <paramref name="Unseen"/> is the change of the folder's count.</summary>
internal sealed record FlagsChangedEvent(int Folder, long ModSeq, FlagMasks Masks, UidSet Uids, int Unseen);

/// <summary>Messages that left the folder; the counts are what they took with them, since their segments may not be in memory.</summary>
internal sealed record ExpungedEvent(int Folder, long ModSeq, long At, UidSet Uids, int Unseen, long Bytes);

/// <summary>The first of the oldest expunged messages leave the index; their rows and blobs go next.</summary>
internal sealed record PurgeBegunEvent(int Folder, UidSet Uids, long Bytes, IReadOnlyList<EmailId> Emails);

/// <summary>The encoded form of events: a format byte, then kind and fields of each.</summary>
internal static class MailboxEvents
{
    public const byte Format = 1;

    /// <summary>An upper bound of a quota event's bytes, the format byte included.</summary>
    public const int MaxQuotaBytes = 16;

    /// <summary>An upper bound of a delivered event's bytes, and of those that its new keywords take.</summary>
    public static int MaxDeliveredBytes(ImmutableArray<string> keywords, int otherIds) => 136 + 44 * otherIds + MaxKeywordBytes(keywords);

    public static int MaxKeywordBytes(ImmutableArray<string> keywords)
    {
        var bytes = 0;
        foreach (var keyword in keywords.IsDefault ? [] : keywords)
        {
            bytes += keyword.Length <= KeywordTable.MaxChars ? 3 + keyword.Length : 0;
        }

        return bytes;
    }

    /// <summary>An upper bound of a change of flags or an expunge, for UIDs that may be any subset of these.</summary>
    public static int MaxChangeBytes(ReadOnlySpan<uint> ascending) => 80 + 10 * ascending.Length;

    public static void Write(RecordWriter record, in DeliveredEvent delivered)
    {
        record.Byte((byte)MailboxEventKind.Delivered);
        record.Number(delivered.Folder);
        record.Number((ulong)delivered.Entry.Uid);
        record.Number(delivered.Entry.ModSeq);
        record.Email(delivered.Entry.Email);
        record.Fixed64(delivered.Entry.ThreadId);
        record.Number((ulong)delivered.Entry.Bytes);
        record.Number(delivered.TakenAt);
        record.Signed(delivered.Entry.ReceivedAt - delivered.TakenAt);
        record.Byte((byte)delivered.Entry.Flags);
        record.Number(delivered.Entry.Keywords);
        record.Fixed64(delivered.DeliveryId.High);
        record.Fixed64(delivered.DeliveryId.Low);
    }

    public static DeliveredEvent ReadDelivered(ref RecordReader record)
    {
        var folder = record.Int32();
        var entry = new IndexEntry
        {
            Uid = record.UInt32(),
            ModSeq = record.Count(),
            Email = record.Email(),
            ThreadId = record.Fixed64(),
            Bytes = record.UInt32(),
        };
        var takenAt = record.Count();
        entry.ReceivedAt = takenAt + record.Signed();
        entry.Flags = (MessageFlags)record.Byte();
        entry.Keywords = record.Number();
        return new DeliveredEvent(folder, entry, new DeliveryId(record.Fixed64(), record.Fixed64()), takenAt);
    }

    public static void Write(RecordWriter record, in DeliveryIdAddedEvent added)
    {
        record.Byte((byte)MailboxEventKind.DeliveryIdAdded);
        record.Fixed64(added.Id.High);
        record.Fixed64(added.Id.Low);
        record.Email(added.Email);
        record.Number(added.TakenAt);
    }

    public static DeliveryIdAddedEvent ReadDeliveryIdAdded(ref RecordReader record) =>
        new(new DeliveryId(record.Fixed64(), record.Fixed64()), record.Email(), record.Count());

    public static void Write(RecordWriter record, FlagsChangedEvent changed)
    {
        record.Byte((byte)MailboxEventKind.FlagsChanged);
        record.Number(changed.Folder);
        record.Number(changed.ModSeq);
        SegmentChange.WriteMasks(record, changed.Masks);
        changed.Uids.Write(record);
        record.Signed(changed.Unseen);
    }

    public static FlagsChangedEvent ReadFlagsChanged(ref RecordReader record)
    {
        var (folder, modSeq, masks) = (record.Int32(), record.Count(), SegmentChange.ReadMasks(ref record));
        return new FlagsChangedEvent(folder, modSeq, masks, UidSet.Read(ref record), (int)record.Signed());
    }

    public static void Write(RecordWriter record, ExpungedEvent expunged)
    {
        record.Byte((byte)MailboxEventKind.Expunged);
        record.Number(expunged.Folder);
        record.Number(expunged.ModSeq);
        record.Number(expunged.At);
        expunged.Uids.Write(record);
        record.Number(expunged.Unseen);
        record.Number(expunged.Bytes);
    }

    public static ExpungedEvent ReadExpunged(ref RecordReader record)
    {
        var (folder, modSeq, at) = (record.Int32(), record.Count(), record.Count());
        return new ExpungedEvent(folder, modSeq, at, UidSet.Read(ref record), record.Int32(), record.Count());
    }

    public static void Write(RecordWriter record, PurgeBegunEvent begun)
    {
        record.Byte((byte)MailboxEventKind.PurgeBegun);
        record.Number(begun.Folder);
        begun.Uids.Write(record);
        record.Number(begun.Bytes);
        record.Number(begun.Emails.Count);
        foreach (var email in begun.Emails)
        {
            record.Email(email);
        }
    }

    public static PurgeBegunEvent ReadPurgeBegun(ref RecordReader record)
    {
        var (folder, uids, bytes) = (record.Int32(), UidSet.Read(ref record), record.Count());
        var emails = new EmailId[record.Items(16)];
        for (var i = 0; i < emails.Length; i++)
        {
            emails[i] = record.Email();
        }

        return new PurgeBegunEvent(folder, uids, bytes, emails);
    }

    public static void WriteFolderMade(RecordWriter record, FolderState folder)
    {
        record.Byte((byte)MailboxEventKind.FolderMade);
        record.Number(folder.Id);
        record.Text(folder.Name);
        record.Text(folder.SpecialUse);
        record.Number((ulong)folder.UidValidity);
    }

    public static FolderState ReadFolderMade(ref RecordReader record) =>
        new(record.Int32(), record.Text(), record.Text(), record.UInt32());
}
