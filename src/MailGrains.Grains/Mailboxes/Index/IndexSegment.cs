using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>
/// A range of a folder's UIDs, at most <see cref="IndexLimits.SegmentEntries"/> messages. What it holds is always <em>stored bytes + changes</em>; entries in
/// memory are only a copy of that, which may be dropped at any time (<see cref="SegmentBudget"/>) unless the segment was never stored in its present
/// extent (<see cref="IsUnstored"/>). Stored bytes carry the sequence up to which changes are folded into them, so bytes and changes always fit.
/// </summary>
internal sealed class IndexSegment(int id)
{
    private const byte Format = 1;
    private const byte KeywordsFollow = 0x40;
    private const byte Expunged = 0x80;
    private readonly List<SegmentChange> _changes = [];
    private volatile EntryList? _entries;

    public int Id { get; } = id;

    public uint FirstUid { get; set; }

    public uint LastUid { get; set; }

    /// <summary>Entries in the stored bytes; removals since are still counted.</summary>
    public int StoredEntries { get; set; }

    /// <summary>The stored bytes hold all changes up to this sequence.</summary>
    public long FoldedSequence { get; set; }

    /// <summary>Bounds of <see cref="EmailId.High"/>, to find a message by its id without loading every segment.</summary>
    public ulong MinEmail { get; set; } = ulong.MaxValue;

    public ulong MaxEmail { get; set; }

    public IReadOnlyList<SegmentChange> Changes => _changes;

    public int ChangeWeight { get; private set; }

    /// <summary>It holds entries that no stored bytes have: it stays in memory until it is written.</summary>
    public bool IsUnstored { get; set; }

    /// <summary>The entries while they are in memory; written by <see cref="SegmentBudget"/> alone, on any thread, so read it once.</summary>
    public EntryList? Entries => _entries;

    /// <summary>What the budget knows of the segment; null while it is not in memory.</summary>
    internal LinkedListNode<IndexSegment>? Node { get; set; }

    internal int Pins { get; set; }

    internal long Weight { get; set; }

    internal void Put(EntryList? entries) => _entries = entries;

    public bool MayHold(EmailId email) => email.High >= MinEmail && email.High <= MaxEmail;

    public void Take(SegmentChange change)
    {
        _changes.Add(change);
        ChangeWeight += change.Weight;
    }

    /// <summary>Takes an entry of the tail.</summary>
    public void Extend(in IndexEntry entry)
    {
        FirstUid = FirstUid == 0 ? entry.Uid : FirstUid;
        LastUid = entry.Uid;
        MinEmail = Math.Min(MinEmail, entry.Email.High);
        MaxEmail = Math.Max(MaxEmail, entry.Email.High);
        IsUnstored = true;
    }

    /// <summary>The stored bytes hold all changes up to <paramref name="sequence"/> now.</summary>
    public void Fold(long sequence, int entries)
    {
        IsUnstored = false;
        FoldedSequence = sequence;
        StoredEntries = entries;
        _changes.RemoveAll(c => c.Sequence <= sequence);
        ChangeWeight = _changes.Sum(c => c.Weight);
    }

    public static byte[] Encode(EntryList entries, long sequence)
    {
        var record = new RecordWriter(32 + entries.Count * 44);
        record.Byte(Format);
        record.Number(sequence);
        record.Number(entries.Count);
        var (uid, modSeq, receivedAt) = (0u, 0L, 0L);
        for (var i = 0; i < entries.Count; i++)
        {
            ref var entry = ref entries[i];
            record.Number(entry.Uid - uid);
            record.Email(entry.Email);
            record.Fixed64(entry.ThreadId);
            record.Signed(entry.ModSeq - modSeq);
            record.Number((ulong)entry.Bytes);
            record.Signed(entry.ReceivedAt - receivedAt);
            record.Byte((byte)((byte)entry.Flags | (entry.Keywords != 0 ? KeywordsFollow : 0) | (entry.IsExpunged ? Expunged : 0)));
            if (entry.Keywords != 0)
            {
                record.Number(entry.Keywords);
            }

            (uid, modSeq, receivedAt) = (entry.Uid, entry.ModSeq, entry.ReceivedAt);
        }

        return record.Written.ToArray();
    }

    /// <summary>
    /// The entries as of now, of stored bytes and <see cref="Changes"/>; null where the bytes are older than the segment, because a snapshot was
    /// written while they were read.
    /// </summary>
    public EntryList? Decode(ReadOnlySpan<byte> stored)
    {
        var record = new RecordReader(stored);
        record.Format(Format);
        var sequence = record.Count();
        if (sequence < FoldedSequence)
        {
            return null;
        }

        var entries = new EntryList();
        var (uid, modSeq, receivedAt) = (0u, 0L, 0L);
        for (var left = record.Items(29); left > 0; left--)
        {
            var entry = new IndexEntry
            {
                Uid = uid + record.UInt32(),
                Email = record.Email(),
                ThreadId = record.Fixed64(),
                ModSeq = modSeq + record.Signed(),
                Bytes = record.UInt32(),
                ReceivedAt = receivedAt + record.Signed(),
            };
            var state = record.Byte();
            entry.Flags = (MessageFlags)(state & ~(KeywordsFollow | Expunged));
            entry.IsExpunged = (state & Expunged) != 0;
            entry.Keywords = (state & KeywordsFollow) != 0 ? record.Number() : 0;
            entries.Add(entry);
            (uid, modSeq, receivedAt) = (entry.Uid, entry.ModSeq, entry.ReceivedAt);
        }

        foreach (var change in _changes)
        {
            entries = change.Sequence > sequence ? change.ApplyTo(entries) : entries;
        }

        return entries;
    }

    public void WriteInfo(RecordWriter record, long? foldedSequence, int entries)
    {
        record.Number(Id);
        record.Number((ulong)FirstUid);
        record.Number((ulong)(LastUid - FirstUid));
        record.Number(entries);
        record.Number(foldedSequence ?? FoldedSequence);
        record.Fixed64(MinEmail);
        record.Fixed64(MaxEmail);
        record.Number(foldedSequence is null ? _changes.Count : 0);
        foreach (var change in foldedSequence is null ? _changes : [])
        {
            change.Write(record);
        }
    }

    public static IndexSegment ReadInfo(ref RecordReader record)
    {
        var segment = new IndexSegment(record.Int32()) { FirstUid = record.UInt32() };
        segment.LastUid = segment.FirstUid + record.UInt32();
        segment.StoredEntries = record.Int32();
        segment.FoldedSequence = record.Count();
        segment.MinEmail = record.Fixed64();
        segment.MaxEmail = record.Fixed64();
        for (var left = record.Items(5); left > 0; left--)
        {
            segment.Take(SegmentChange.Read(ref record));
        }

        return segment;
    }
}
