using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>UIDs from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct UidRange(uint First, uint Last)
{
    public long Count => (long)Last - First + 1;
}

/// <summary>UIDs as ascending ranges that don't touch: a change to a whole folder takes a few bytes.</summary>
internal sealed class UidSet
{
    private readonly UidRange[] _ranges;

    private UidSet(UidRange[] ranges) => _ranges = ranges;

    public static UidSet Empty { get; } = new([]);

    public ReadOnlySpan<UidRange> Ranges => _ranges;

    public bool IsEmpty => _ranges.Length == 0;

    public uint First => _ranges[0].First;

    public uint Last => _ranges[^1].Last;

    public long Count => _ranges.Sum(r => r.Count);

    /// <summary>An upper bound of what <see cref="Write"/> writes.</summary>
    public int MaxBytes => 5 + _ranges.Length * 10;

    public static UidSet Of(UidRange range) => new([range]);

    /// <param name="ascending">Ascending, without repeats.</param>
    public static UidSet Of(ReadOnlySpan<uint> ascending)
    {
        var ranges = new List<UidRange>();
        foreach (var uid in ascending)
        {
            if (ranges.Count > 0 && ranges[^1].Last + 1 == uid)
            {
                ranges[^1] = ranges[^1] with { Last = uid };
            }
            else
            {
                ranges.Add(new UidRange(uid, uid));
            }
        }

        return new UidSet([.. ranges]);
    }

    /// <summary>The part from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public UidSet Clip(uint first, uint last)
    {
        if (IsEmpty || (First >= first && Last <= last))
        {
            return this;
        }

        var clipped = new List<UidRange>();
        foreach (var range in _ranges)
        {
            if (range.Last >= first && range.First <= last)
            {
                clipped.Add(new UidRange(Math.Max(range.First, first), Math.Min(range.Last, last)));
            }
        }

        return clipped.Count == 0 ? Empty : new UidSet([.. clipped]);
    }

    /// <summary>The lowest <paramref name="count"/> UIDs and the rest.</summary>
    public (UidSet Taken, UidSet Left) Split(long count)
    {
        var seen = 0L;
        foreach (var range in _ranges)
        {
            if (seen + range.Count >= count)
            {
                var last = (uint)(range.First + (count - seen) - 1);
                return (Clip(0, last), last == uint.MaxValue ? Empty : Clip(last + 1, uint.MaxValue));
            }

            seen += range.Count;
        }

        return (this, Empty);
    }

    public IEnumerable<uint> Uids()
    {
        foreach (var range in _ranges)
        {
            for (var uid = range.First; ; uid++)
            {
                yield return uid;
                if (uid == range.Last)
                {
                    break;
                }
            }
        }
    }

    public void Write(RecordWriter record)
    {
        record.Number(_ranges.Length);
        var at = 0u;
        foreach (var range in _ranges)
        {
            record.Number(range.First - at);
            record.Number(range.Last - range.First);
            at = range.Last;
        }
    }

    public static UidSet Read(ref RecordReader record)
    {
        var ranges = new UidRange[record.Items(2)];
        var at = 0u;
        for (var i = 0; i < ranges.Length; i++)
        {
            var first = (ulong)at + record.UInt32();
            var last = first + record.UInt32();
            if (last > uint.MaxValue || (i > 0 && first <= at))
            {
                throw RecordReader.Damaged();
            }

            ranges[i] = new UidRange((uint)first, (uint)last);
            at = (uint)last;
        }

        return ranges.Length == 0 ? Empty : new UidSet(ranges);
    }
}
