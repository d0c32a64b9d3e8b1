using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Records;

namespace MailGrains.Grains.Queues;

/// <summary>Stored: the numbers keep their meaning.</summary>
internal enum QueueEventKind : byte
{
    /// <summary>A message came: its entry, and the delivery ids under which it is recognised.</summary>
    Enqueued = 1,

    /// <summary>An attempt began.</summary>
    Started = 2,

    /// <summary>The entry as it is from here on, whatever changed it.</summary>
    Changed = 3,

    /// <summary>The message has gone.</summary>
    Removed = 4,

    /// <summary>The reply that later events mean by "the last".</summary>
    ReplyHeard = 5,
    Suspended = 6,
    Resumed = 7,
    Routed = 8,
    Unrouted = 9,

    /// <summary>All that waits is due at this time. Not written any more.</summary>
    AllDue = 10,

    /// <summary>Nothing; the commit itself shows who the owner is.</summary>
    Confirmed = 11,

    /// <summary>The mark that later events mean by "the last" hold.</summary>
    HoldMarked = 12,

    /// <summary>Attempts that begin from here on are given to the sender of this silo; an empty text: of one that is not known.</summary>
    SenderIs = 13,

    /// <summary>As <see cref="AllDue"/>, but for what was not tried yet and is to be sent later.</summary>
    AllTriedDue = 14,

    /// <summary>Delivery ids of recipients that got nothing, as the sender has heard: what comes again is taken again.</summary>
    Forgotten = 15,
}

/// <summary>What a record means by "the last": most entries have the same, so that it is written once.</summary>
internal readonly record struct Repeated(string? Reply, QueueMark? Hold);

/// <summary>
/// The events of a queue's journal and the entries of its snapshot: numbers as LEB128, text as UTF-8 behind its length. A format byte stands before each
/// commit's events.
/// </summary>
internal static class QueueEvents
{
    public const byte Format = 1;

    /// <summary>More than an entry without notices and reply takes.</summary>
    private const int EntryBytes = 96;

    /// <summary>More than a notice takes without its texts.</summary>
    private const int NoticeBytes = 24;

    /// <summary>More than stands between the texts of a reply.</summary>
    private const int ReplyBytes = 16;

    /// <summary>More than <see cref="QueueEventKind.SenderIs"/> takes.</summary>
    private const int SenderBytes = 128;

    public static int MaxEnqueuedBytes(int recipients, IReadOnlyList<Notice>? notices) =>
        SenderBytes + EntryBytes + (recipients * 18) + (recipients / 5) + (notices?.Sum(BytesOf) ?? 0);

    public static int MaxStartedBytes(int messages) => SenderBytes + 1 + (17 * messages);

    /// <summary>
    /// An upper bound for the entry after these outcomes: each may add a notice, the longest of them is the last reply, which is written twice at the most, and
    /// so is the hold.
    /// </summary>
    public static int MaxChangedBytes(QueueEntry entry, IReadOnlyCollection<RecipientOutcome> outcomes, string? reason = null)
    {
        var reply = Math.Max(TextBytes(entry.LastReply), TextBytes(reason));
        var notices = 0;
        foreach (var outcome in outcomes)
        {
            var texts = TextBytes(outcome.Enhanced) + TextBytes(outcome.Text) + TextBytes(outcome.Host);
            (reply, notices) = (Math.Max(reply, ReplyBytes + texts), notices + NoticeBytes + texts);
        }

        // What has expired with it has the last reply for a notice each.
        return EntryBytes + (10 * (1 + (entry.Left.Count / 64))) + (2 * (reply + MarkBytes(entry.Hold))) + (entry.Notices?.Sum(BytesOf) ?? 0) + notices;
    }

    public static int MaxForgottenBytes(int ids) => 8 + (16 * ids);

    public static int TextBytes(string? text) => 5 + (text is null ? 0 : Encoding.UTF8.GetByteCount(text));

    public const int MaxMarkBytes = 8 * 1024;

    public static void WriteEntry(RecordWriter record, QueueEntry entry, Repeated last)
    {
        record.Email(entry.Email);
        entry.Left.Write(record);
        record.Number(entry.Due);
        record.Number(entry.Expires);
        record.Number(entry.DelayAt);
        record.Number(entry.Attempts);
        record.Number(entry.Tries);
        record.Signed(entry.Priority);
        record.Number((ulong)(entry.Flags | (entry.Hold is null ? EntryFlags.None : EntryFlags.Marked)));

        // 0: none, 1: the last, 2: its own.
        var reply = entry.LastReply is null ? 0 : entry.LastReply == last.Reply ? 1 : 2;
        record.Byte((byte)reply);
        if (reply == 2)
        {
            record.Text(entry.LastReply!);
        }

        record.Number(entry.Notices?.Count ?? 0);
        foreach (var notice in entry.Notices ?? [])
        {
            record.Byte((byte)notice.Kind);
            record.Number(notice.Recipient);
            record.Number(notice.Code);
            record.Text(notice.Enhanced);
            record.Text(notice.Text);
            record.Text(notice.Host ?? "");
        }

        if (entry.Hold is { } hold)
        {
            record.Byte((byte)(hold == last.Hold ? 1 : 2));
            if (hold != last.Hold)
            {
                WriteMark(record, hold);
            }
        }
    }

    public static QueueEntry ReadEntry(ref RecordReader record, Repeated last)
    {
        var entry = new QueueEntry(record.Email())
        {
            Left = RecipientSet.Read(ref record),
            Due = record.Count(),
            Expires = record.Count(),
            DelayAt = record.Count(),
            Attempts = record.Int32(),
            Tries = record.Int32(),
            Priority = (sbyte)record.Signed(),
            Flags = (EntryFlags)record.Int32(),
        };
        entry.LastReply = record.Byte() switch
        {
            0 => null,
            1 => last.Reply,
            2 => record.Text(),
            _ => throw RecordReader.Damaged(),
        };
        var notices = record.Items(6);
        if (notices > 0)
        {
            var list = new List<Notice>(notices);
            for (; notices > 0; notices--)
            {
                list.Add(ReadNotice(ref record));
            }

            entry.Notices = list;
        }

        if (entry.Is(EntryFlags.Marked))
        {
            entry.Flags &= ~EntryFlags.Marked;
            entry.Hold = record.Byte() == 1 ? last.Hold : ReadMark(ref record);
        }

        return entry;
    }

    public static void WriteId(RecordWriter record, DeliveryId id)
    {
        record.Fixed64(id.High);
        record.Fixed64(id.Low);
    }

    public static DeliveryId ReadId(ref RecordReader record) => new(record.Fixed64(), record.Fixed64());

    public static void WriteMark(RecordWriter record, QueueMark mark)
    {
        record.Text(mark.By);
        record.Text(mark.Reason);
        record.Number(mark.Until?.ToUnixTimeMilliseconds() ?? 0);
    }

    public static QueueMark ReadMark(ref RecordReader record) =>
        new(record.Text(), record.Text(), record.Count() is > 0 and var until ? DateTimeOffset.FromUnixTimeMilliseconds(until) : null);

    public static void WriteRoute(RecordWriter record, QueueRoute route)
    {
        record.Text(route.Host);
        record.Number(route.Port);
        WriteMark(record, route.Mark);
    }

    public static QueueRoute ReadRoute(ref RecordReader record) => new(record.Text(), record.Int32(), ReadMark(ref record));

    private static Notice ReadNotice(ref RecordReader record)
    {
        var (kind, recipient, code) = ((NoticeKind)record.Byte(), record.Int32(), record.Int32());
        var (enhanced, text, host) = (record.Text(), record.Text(), record.Text());
        return new Notice(kind, recipient, code, enhanced, text, host.Length == 0 ? null : host);
    }

    private static int MarkBytes(QueueMark? mark) => mark is null ? 0 : 24 + TextBytes(mark.By) + TextBytes(mark.Reason);

    private static int BytesOf(Notice notice) => NoticeBytes + TextBytes(notice.Enhanced) + TextBytes(notice.Text) + TextBytes(notice.Host);
}
