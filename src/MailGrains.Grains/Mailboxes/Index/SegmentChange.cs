using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes.Index;

internal enum SegmentChangeKind : byte
{
    Flags = 1,
    Expunge = 2,
    Remove = 3,
}

/// <summary>
/// A change that the stored bytes of a segment don't have yet. It stands in the head until the segment is written again, so that a segment
/// which is not in memory takes changes too.
/// </summary>
/// <param name="Sequence">The journal's sequence of the commit.</param>
/// <param name="ModSeq">0 for <see cref="SegmentChangeKind.Remove"/>.</param>
internal sealed record SegmentChange(SegmentChangeKind Kind, long Sequence, long ModSeq, UidSet Uids, FlagMasks Masks)
{
    /// <summary>An upper bound of what <see cref="Write"/> writes.</summary>
    public int Weight => 24 + Uids.MaxBytes + (Kind == SegmentChangeKind.Flags ? 22 : 0);

    public void Write(RecordWriter record)
    {
        record.Byte((byte)Kind);
        record.Number(Sequence);
        record.Number(ModSeq);
        Uids.Write(record);
        if (Kind == SegmentChangeKind.Flags)
        {
            WriteMasks(record, Masks);
        }
    }

    public static SegmentChange Read(ref RecordReader record)
    {
        var kind = (SegmentChangeKind)record.Byte();
        if (kind is not (SegmentChangeKind.Flags or SegmentChangeKind.Expunge or SegmentChangeKind.Remove))
        {
            throw RecordReader.Damaged();
        }

        var sequence = record.Count();
        var modSeq = record.Count();
        var uids = UidSet.Read(ref record);
        return new SegmentChange(kind, sequence, modSeq, uids, kind == SegmentChangeKind.Flags ? ReadMasks(ref record) : default);
    }

    /// <summary>Changes entries that hold all changes before this one.</summary>
    public EntryList ApplyTo(EntryList entries)
    {
        if (Kind == SegmentChangeKind.Remove)
        {
            return entries.Without(Uids);
        }

        foreach (var range in Uids.Ranges)
        {
            for (var i = entries.LowerBound(range.First); i < entries.Count && entries[i].Uid <= range.Last; i++)
            {
                ref var entry = ref entries[i];
                entry.ModSeq = ModSeq;
                if (Kind == SegmentChangeKind.Expunge)
                {
                    entry.IsExpunged = true;
                }
                else
                {
                    entry.Bits = Masks.Apply(entry.Bits);
                }
            }
        }

        return entries;
    }

    internal static void WriteMasks(RecordWriter record, FlagMasks masks)
    {
        record.Byte((byte)masks.Clear.Flags);
        record.Number(masks.Clear.Keywords);
        record.Byte((byte)masks.Set.Flags);
        record.Number(masks.Set.Keywords);
    }

    internal static FlagMasks ReadMasks(ref RecordReader record)
    {
        var clear = new FlagBits((MessageFlags)record.Byte(), record.Number());
        return new FlagMasks(clear, new FlagBits((MessageFlags)record.Byte(), record.Number()));
    }
}
