using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// Which segments a snapshot of a mailbox writes: those that were never stored, and of the changed ones those whose changes have grown; the rest
/// keep their changes in the head. So the bytes of a snapshot are bounded whatever the size of the mailbox and wherever it was changed.
/// </summary>
internal sealed class SnapshotPlan(MailboxState mailbox, SegmentBudget budget, IndexLimits limits)
{
    private readonly List<SegmentPin> _pins = [];
    private readonly HashSet<int> _removed = [];
    private Captured? _last;

    /// <summary>
    /// Loads what is to be written and not in memory, and each folder's last segment while it has room: the tail goes into it, so that segments
    /// fill up.
    /// </summary>
    public async ValueTask PrepareAsync(CancellationToken cancellationToken)
    {
        Unpin();
        foreach (var folder in mailbox.Folders.ToList())
        {
            if (folder.Tail.Count > 0 && folder.Segments.Count > 0 && folder.Segments[^1] is var last && last.StoredEntries < limits.SegmentEntries)
            {
                _pins.Add(await mailbox.PinAsync(last, cancellationToken));
            }
        }

        foreach (var segment in Heaviest(limits.LoadAtWeight).ToList())
        {
            _pins.Add(await mailbox.PinAsync(segment, cancellationToken));
        }
    }

    public SnapshotCapture Capture()
    {
        mailbox.SealTails();
        foreach (var segment in mailbox.Folders.SelectMany(f => f.RemoveEmptySegments()))
        {
            budget.Drop(segment);
            _removed.Add(segment.Id);
        }

        var segments = new Dictionary<int, ReadOnlyMemory<byte>>();
        var folded = new Dictionary<IndexSegment, int>();
        foreach (var segment in mailbox.Folders.SelectMany(f => f.Segments.Where(s => s.IsUnstored)).Concat(Heaviest(limits.WriteAtWeight)))
        {
            if (segment.Entries is { } entries && folded.TryAdd(segment, entries.Count))
            {
                segments[segment.Id] = IndexSegment.Encode(entries, mailbox.Sequence);
            }
        }

        var capture = new SnapshotCapture(mailbox.WriteHead(folded), segments, [.. _removed]);
        _last = new Captured(capture, folded, mailbox.Sequence);
        Unpin();
        return capture;
    }

    public void Written(SnapshotCapture capture)
    {
        if (_last is not { } last || !ReferenceEquals(last.Capture, capture))
        {
            return;
        }

        _last = null;
        _removed.ExceptWith(capture.RemovedSegments);
        foreach (var (segment, entries) in last.Folded)
        {
            segment.Fold(last.Sequence, entries);
        }

        budget.Trim();
    }

    private IEnumerable<IndexSegment> Heaviest(int weight) => mailbox.Folders
        .SelectMany(f => f.Segments)
        .Where(s => s.ChangeWeight >= weight)
        .OrderByDescending(s => s.ChangeWeight)
        .Take(limits.MaxChangedSegments);

    private void Unpin()
    {
        _pins.ForEach(p => p.Dispose());
        _pins.Clear();
    }

    private sealed record Captured(SnapshotCapture Capture, IReadOnlyDictionary<IndexSegment, int> Folded, long Sequence);
}
