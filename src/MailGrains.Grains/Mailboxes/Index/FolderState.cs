using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>
/// A folder: counters that need no index, stored segments in order of UID, and behind them the tail: the messages since the last snapshot,
/// which are always in memory.
/// </summary>
internal sealed class FolderState(int id, string name, string specialUse, uint uidValidity)
{
    private readonly List<IndexSegment> _segments = [];

    public int Id { get; } = id;

    public string Name { get; } = name;

    public string SpecialUse { get; } = specialUse;

    public uint UidValidity { get; } = uidValidity;

    public uint UidNext { get; set; } = 1;

    public long HighestModSeq { get; set; }

    /// <summary>Expunged messages don't count.</summary>
    public int Messages { get; set; }

    public int Unseen { get; set; }

    public IReadOnlyList<IndexSegment> Segments => _segments;

    public EntryList Tail { get; private set; } = new();

    /// <summary>The first segment that ends at <paramref name="uid"/> or later; null where only the tail can hold it.</summary>
    public IndexSegment? SegmentFrom(uint uid)
    {
        var (low, high) = (0, _segments.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_segments[middle].LastUid < uid)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < _segments.Count ? _segments[low] : null;
    }

    public void Take(SegmentChange change, SegmentBudget budget)
    {
        if (change.Uids.IsEmpty)
        {
            return;
        }

        HighestModSeq = Math.Max(HighestModSeq, change.ModSeq);
        Tail = change.ApplyTo(Tail);
        for (var i = SegmentFrom(change.Uids.First) is { } first ? _segments.IndexOf(first) : _segments.Count; i < _segments.Count; i++)
        {
            var segment = _segments[i];
            if (segment.FirstUid > change.Uids.Last)
            {
                break;
            }

            if (change.Uids.Clip(segment.FirstUid, segment.LastUid) is { IsEmpty: false } part)
            {
                var partial = change with { Uids = part };
                segment.Take(partial);
                if (segment.Entries is { } entries && partial.ApplyTo(entries) is var changed && changed != entries)
                {
                    budget.Hold(segment, changed);
                }
            }
        }
    }

    /// <summary>
    /// Moves the tail into segments: into the last one as far as it has room and is in memory, then into new ones. They are unstored until
    /// a snapshot that holds them is written.
    /// </summary>
    public void SealTail(SegmentBudget budget, int segmentEntries, ref int nextSegment)
    {
        var at = 0;
        while (at < Tail.Count)
        {
            var segment = _segments.Count > 0 ? _segments[^1] : null;
            if (segment?.Entries is not { } entries || entries.Count >= segmentEntries)
            {
                segment = new IndexSegment(nextSegment++);
                entries = new EntryList();
                _segments.Add(segment);
            }

            for (; at < Tail.Count && entries.Count < segmentEntries; at++)
            {
                segment.Extend(Tail[at]);
                entries.Add(Tail[at]);
            }

            budget.Hold(segment, entries);
        }

        Tail = new EntryList();
    }

    /// <summary>Takes out segments that are in memory and empty.</summary>
    public IEnumerable<IndexSegment> RemoveEmptySegments()
    {
        var empty = _segments.Where(s => s.Entries is { Count: 0 }).ToList();
        _segments.RemoveAll(empty.Contains);
        return empty;
    }

    public void Append(in IndexEntry entry)
    {
        Tail.Add(entry);
        UidNext = entry.Uid + 1;
        HighestModSeq = entry.ModSeq;
        Messages++;
        Unseen += entry.Bits.IsSeen ? 0 : 1;
    }

    /// <param name="folded">The segments that the snapshot writes, with their entries; their changes are folded in at <paramref name="sequence"/>.</param>
    public void Write(RecordWriter record, IReadOnlyDictionary<IndexSegment, int> folded, long sequence)
    {
        record.Number(Id);
        record.Text(Name);
        record.Text(SpecialUse);
        record.Number((ulong)UidValidity);
        record.Number((ulong)UidNext);
        record.Number(HighestModSeq);
        record.Number(Messages);
        record.Number(Unseen);
        record.Number(_segments.Count);
        foreach (var segment in _segments)
        {
            if (folded.TryGetValue(segment, out var entries))
            {
                segment.WriteInfo(record, sequence, entries);
            }
            else
            {
                segment.WriteInfo(record, null, segment.StoredEntries);
            }
        }
    }

    public static FolderState Read(ref RecordReader record)
    {
        var folder = new FolderState(record.Int32(), record.Text(), record.Text(), record.UInt32())
        {
            UidNext = record.UInt32(),
            HighestModSeq = record.Count(),
            Messages = record.Int32(),
            Unseen = record.Int32(),
        };
        for (var left = record.Items(22); left > 0; left--)
        {
            folder._segments.Add(IndexSegment.ReadInfo(ref record));
        }

        return folder;
    }

    /// <summary>Segments that may hold a message, by their bounds of ids.</summary>
    public IEnumerable<IndexSegment> SegmentsOf(EmailId email) => _segments.Where(s => s.MayHold(email));
}
