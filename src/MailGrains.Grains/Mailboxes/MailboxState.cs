using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Grains.Records;
using MailGrains.Storage;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// The committed state of a mailbox. Invariants:
/// <list type="bullet">
/// <item>Everything a delivery needs is in the head (counters, UIDNEXT, modseq, quota, keywords, delivery ids) and in memory from the start; no
/// segment is read for it, nor to replay events.</item>
/// <item>A folder's counts are those of its live entries; <see cref="UsedBytes"/> is the sum of their sizes over all folders.</item>
/// <item>An expunged entry stays in its segment, out of all counts, and stands in <see cref="Expunges"/>, until its purge begins.</item>
/// <item>modseq rises with every commit that changes a message; UIDs and UIDVALIDITY never come twice.</item>
/// </list>
/// Layout of a snapshot: the head, and per <see cref="IndexSegment"/> a segment of the journal. Changes of segments that were not written stand in
/// the head. One thread at a time: the grain's.
/// </summary>
internal sealed class MailboxState : IJournalState<MailboxDraft>
{
    private const byte HeadFormat = 1;
    private readonly SegmentBudget _budget;
    private readonly List<FolderState> _folders = [];
    private readonly SnapshotPlan _snapshots;
    private readonly Dictionary<IndexSegment, Task> _loading = [];
    private ISegmentReader? _reader;
    private int _nextSegment = 1;

    public MailboxState(SegmentBudget budget, IndexLimits? limits = null)
    {
        _budget = budget;
        Limits = limits ?? IndexLimits.Default;
        _snapshots = new SnapshotPlan(this, budget, Limits);
    }

    public IndexLimits Limits { get; }

    public IReadOnlyList<FolderState> Folders => _folders;

    /// <summary>0: no limit.</summary>
    public long QuotaBytes { get; private set; }

    public long UsedBytes { get; private set; }

    public long HighestModSeq { get; private set; }

    public uint LastUidValidity { get; private set; }

    public KeywordTable Keywords { get; private set; } = new();

    public DeliveryIdWindow DeliveryIds { get; private set; } = new();

    public ExpungeLog Expunges { get; private set; } = new();

    /// <summary>The sequence of the last commit that was applied.</summary>
    public long Sequence { get; private set; }

    public FolderState? Find(int folder)
    {
        foreach (var candidate in _folders)
        {
            if (candidate.Id == folder)
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The folder of that name; INBOX in any case (RFC 9051 §5.1).</summary>
    public FolderState? Find(string name)
    {
        foreach (var candidate in _folders)
        {
            if (candidate.Name.Equals(name, StringComparison.Ordinal) ||
                (candidate.Name == "INBOX" && name.Equals("INBOX", StringComparison.OrdinalIgnoreCase)))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The folder of a special use (RFC 6154); null for none.</summary>
    public FolderState? FindUse(string? specialUse) =>
        string.IsNullOrEmpty(specialUse) ? null : _folders.Find(f => f.SpecialUse.Equals(specialUse, StringComparison.OrdinalIgnoreCase));

    public MailboxDraft BeginDraft() => new(this);

    public void Apply(long sequence, ReadOnlySpan<byte> events)
    {
        Sequence = sequence;
        var record = new RecordReader(events);
        record.Format(MailboxEvents.Format);
        while (!record.AtEnd)
        {
            ApplyNext(ref record);
        }
    }

    private void ApplyNext(ref RecordReader record)
    {
        switch ((MailboxEventKind)record.Byte())
        {
            case MailboxEventKind.FolderMade:
                var folder = MailboxEvents.ReadFolderMade(ref record);
                _folders.Add(folder);
                LastUidValidity = Math.Max(LastUidValidity, folder.UidValidity);
                break;
            case MailboxEventKind.QuotaSet:
                QuotaBytes = record.Count();
                break;
            case MailboxEventKind.KeywordAdded:
                Keywords.Add(record.Text());
                break;
            case MailboxEventKind.Delivered:
                Apply(MailboxEvents.ReadDelivered(ref record));
                break;
            case MailboxEventKind.DeliveryIdAdded:
                var added = MailboxEvents.ReadDeliveryIdAdded(ref record);
                DeliveryIds.Add(added.Id, added.Email, DateTimeOffset.FromUnixTimeMilliseconds(added.TakenAt));
                break;
            case MailboxEventKind.FlagsChanged:
                Apply(MailboxEvents.ReadFlagsChanged(ref record));
                break;
            case MailboxEventKind.Expunged:
                Apply(MailboxEvents.ReadExpunged(ref record));
                break;
            case MailboxEventKind.PurgeBegun:
                Apply(MailboxEvents.ReadPurgeBegun(ref record));
                break;
            case MailboxEventKind.PurgeEnded:
                Expunges.EndPurge();
                break;
            case var kind:
                throw new StoreException(StoreFailure.Unreadable, $"A mailbox's journal has an event of kind {kind}, which this release does not know.");
        }
    }

    private void Apply(in DeliveredEvent delivered)
    {
        Required(delivered.Folder).Append(delivered.Entry);
        HighestModSeq = delivered.Entry.ModSeq;
        UsedBytes += delivered.Entry.Bytes;
        DeliveryIds.Add(delivered.DeliveryId, delivered.Entry.Email, DateTimeOffset.FromUnixTimeMilliseconds(delivered.TakenAt));
    }

    private void Apply(FlagsChangedEvent changed)
    {
        var folder = Required(changed.Folder);
        folder.Unseen += changed.Unseen;
        HighestModSeq = changed.ModSeq;
        folder.Take(new SegmentChange(SegmentChangeKind.Flags, Sequence, changed.ModSeq, changed.Uids, changed.Masks), _budget);
    }

    private void Apply(ExpungedEvent expunged)
    {
        var folder = Required(expunged.Folder);
        var messages = expunged.Uids.Count;
        folder.Messages -= (int)messages;
        folder.Unseen -= expunged.Unseen;
        UsedBytes -= expunged.Bytes;
        HighestModSeq = expunged.ModSeq;
        folder.Take(new SegmentChange(SegmentChangeKind.Expunge, Sequence, expunged.ModSeq, expunged.Uids, default), _budget);
        Expunges.Add(new ExpungeRecord(expunged.Folder, expunged.At, expunged.Uids, messages, expunged.Bytes));
    }

    private void Apply(PurgeBegunEvent begun)
    {
        Required(begun.Folder).Take(new SegmentChange(SegmentChangeKind.Remove, Sequence, 0, begun.Uids, default), _budget);
        Expunges.BeginPurge(begun.Uids, begun.Bytes, begun.Emails);
    }

    private FolderState Required(int folder) => Find(folder) ?? throw RecordReader.Damaged();

    public void Restore(ReadOnlyMemory<byte> head, ISegmentReader segments)
    {
        _reader = segments;
        var record = new RecordReader(head.Span);
        record.Format(HeadFormat);
        Sequence = record.Count();
        QuotaBytes = record.Count();
        UsedBytes = record.Count();
        HighestModSeq = record.Count();
        LastUidValidity = record.UInt32();
        _nextSegment = record.Int32();
        Keywords = KeywordTable.Read(ref record);
        for (var left = record.Items(9); left > 0; left--)
        {
            _folders.Add(FolderState.Read(ref record));
        }

        Expunges = ExpungeLog.Read(ref record);
        var rest = record.Rest;
        DeliveryIds = DeliveryIdWindow.Read(ref rest);
    }

    /// <param name="folded">Segments that the snapshot writes, with the entries that they have.</param>
    internal ReadOnlyMemory<byte> WriteHead(IReadOnlyDictionary<IndexSegment, int> folded)
    {
        var record = new RecordWriter(64 * 1024);
        record.Byte(HeadFormat);
        record.Number(Sequence);
        record.Number(QuotaBytes);
        record.Number(UsedBytes);
        record.Number(HighestModSeq);
        record.Number((ulong)LastUidValidity);
        record.Number(_nextSegment);
        Keywords.Write(record);
        record.Number(_folders.Count);
        foreach (var folder in _folders)
        {
            folder.Write(record, folded, Sequence);
        }

        Expunges.Write(record);
        DeliveryIds.Write(record);
        return record.Written;
    }

    internal void SealTails()
    {
        foreach (var folder in _folders)
        {
            folder.SealTail(_budget, Limits.SegmentEntries, ref _nextSegment);
        }
    }

    public ValueTask PrepareSnapshotAsync(CancellationToken cancellationToken) => _snapshots.PrepareAsync(cancellationToken);

    public SnapshotCapture? CaptureSnapshot() => _snapshots.Capture();

    public void SnapshotWritten(SnapshotCapture capture, ISegmentReader segments)
    {
        _reader = segments;
        _snapshots.Written(capture);
    }

    /// <summary>Keeps a segment in memory, loading it where it is not, until the pin is disposed of.</summary>
    /// <exception cref="StoreException">The segment can't be read.</exception>
    public async ValueTask<SegmentPin> PinAsync(IndexSegment segment, CancellationToken cancellationToken)
    {
        while (!_budget.TryPin(segment))
        {
            if (!_loading.TryGetValue(segment, out var loading))
            {
                _loading[segment] = loading = LoadAsync(segment);
            }

            try
            {
                await loading.WaitAsync(cancellationToken);
            }
            finally
            {
                if (loading.IsCompleted)
                {
                    ((ICollection<KeyValuePair<IndexSegment, Task>>)_loading).Remove(new(segment, loading));
                }
            }
        }

        return new SegmentPin(_budget, segment);
    }

    private async Task LoadAsync(IndexSegment segment)
    {
        while (segment.Entries is null)
        {
            // Shared by all who wait for it, so no caller's token ends it; the store has its own time-outs.
            var stored = await (_reader ?? throw RecordReader.Damaged()).ReadAsync(segment.Id, CancellationToken.None);
            if (segment.Decode(stored.Span) is { } entries)
            {
                _budget.Hold(segment, entries);
                return;
            }
        }
    }

    /// <summary>The owner goes: its segments leave the silo's memory.</summary>
    public void Release()
    {
        foreach (var segment in _folders.SelectMany(f => f.Segments))
        {
            _budget.Drop(segment);
        }
    }
}

/// <summary>A segment that stays in memory until this is disposed of.</summary>
internal readonly struct SegmentPin(SegmentBudget budget, IndexSegment segment) : IDisposable
{
    public IndexSegment Segment => segment;

    public void Dispose() => budget.Unpin(segment);
}
