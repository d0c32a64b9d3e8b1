using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>A message in a folder's index, 64 bytes. An expunged one stays, out of all counts, until it is purged.</summary>
internal struct IndexEntry
{
    public EmailId Email;
    public ulong ThreadId;

    /// <summary>Of the last change, the expunge included (RFC 7162).</summary>
    public long ModSeq;

    /// <summary>Unix milliseconds.</summary>
    public long ReceivedAt;

    public ulong Keywords;
    public uint Uid;

    /// <summary>Prefix and content.</summary>
    public uint Bytes;

    public MessageFlags Flags;
    public bool IsExpunged;

    public FlagBits Bits
    {
        readonly get => new(Flags, Keywords);
        set => (Flags, Keywords) = (value.Flags, value.Keywords);
    }
}

/// <summary>
/// Entries in ascending order of UID, in pieces of 64 KiB so that neither growing nor loading makes large objects.
/// </summary>
internal sealed class EntryList
{
    private const int PieceBits = 10;
    private const int PieceEntries = 1 << PieceBits;
    private readonly List<IndexEntry[]> _pieces = [];

    public int Count { get; private set; }

    public ref IndexEntry this[int index] => ref _pieces[index >> PieceBits][index & (PieceEntries - 1)];

    /// <summary>Bytes in memory, roughly.</summary>
    public long Weight => 128 + _pieces.Sum(p => 64L * p.Length);

    public void Add(in IndexEntry entry)
    {
        var piece = Count >> PieceBits;
        if (piece == _pieces.Count)
        {
            _pieces.Add(new IndexEntry[piece == 0 ? 4 : PieceEntries]);
        }
        else if (_pieces[piece].Length is var length && (Count & (PieceEntries - 1)) == length)
        {
            var grown = _pieces[piece];
            Array.Resize(ref grown, Math.Min(length * 2, PieceEntries));
            _pieces[piece] = grown;
        }

        Count++;
        this[Count - 1] = entry;
    }

    /// <summary>The index of the first entry whose UID is at least <paramref name="uid"/>; <see cref="Count"/> where there is none.</summary>
    public int LowerBound(uint uid)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (this[middle].Uid < uid)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The index of the entry of <paramref name="uid"/>, or -1.</summary>
    public int Find(uint uid) => LowerBound(uid) is var index && index < Count && this[index].Uid == uid ? index : -1;

    public EntryList Without(UidSet uids)
    {
        var kept = new EntryList();
        var ranges = uids.Ranges;
        var next = 0;
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref this[i];
            while (next < ranges.Length && ranges[next].Last < entry.Uid)
            {
                next++;
            }

            if (next == ranges.Length || entry.Uid < ranges[next].First)
            {
                kept.Add(entry);
            }
        }

        return kept;
    }
}
