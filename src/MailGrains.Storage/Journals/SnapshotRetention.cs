namespace MailGrains.Storage.Journals;

/// <summary>
/// Which snapshots stay when a new one is written. The base is the newest that is at least the undo window old: it and the journal
/// behind it give the state "as of" any time in the window; what lies before the base goes. Between base and newest one snapshot in
/// a quarter of the window stays, so that the base can move on: at most six heads. A window of zero makes the newest the base at once.
/// </summary>
internal static class SnapshotRetention
{
    /// <param name="previous">The snapshot in force, if any.</param>
    /// <param name="newest">The new snapshot's id, time and segments that changed; its state is set by the caller.</param>
    /// <param name="through">Journal rows up to this sequence are of no more use (0: all are).</param>
    public static SnapshotHead Plan(
        SnapshotHead? previous, SnapshotHead newest, IReadOnlyList<int> removedSegments, TimeSpan undoWindow, out long through,
        out List<SnapshotId> droppedHeads, out List<(int Segment, SegmentBlob Blob)> droppedSegments)
    {
        droppedHeads = [];
        droppedSegments = [];
        var kept = KeptBefore(previous, newest, undoWindow, droppedHeads, out through);
        if (previous is null)
        {
            return newest with { Kept = kept };
        }

        var segments = new Dictionary<int, SegmentBlob>(previous.Segments);
        var retired = new List<RetiredSegment>(previous.Retired);
        foreach (var segment in removedSegments)
        {
            Retire(segment);
        }

        foreach (var (segment, blob) in newest.Segments)
        {
            Retire(segment);
            segments[segment] = blob;
        }

        foreach (var old in retired)
        {
            if (!IsUsed(old))
            {
                droppedSegments.Add((old.Segment, old.Blob));
            }
        }

        return newest with { Kept = kept, Segments = segments, Retired = [.. retired.Where(IsUsed)] };

        void Retire(int segment)
        {
            if (segments.Remove(segment, out var old))
            {
                retired.Add(new(segment, old, previous.Id.Sequence));
            }
        }

        bool IsUsed(RetiredSegment old) => kept.Any(k => k.Id.Sequence >= old.Blob.Sequence && k.Id.Sequence <= old.LastSequence);
    }

    private static List<KeptSnapshot> KeptBefore(
        SnapshotHead? previous, SnapshotHead newest, TimeSpan undoWindow, List<SnapshotId> dropped, out long through)
    {
        through = 0;
        List<KeptSnapshot> older = previous is null ? [] : [.. previous.Kept, new(previous.Id, previous.At)];
        var cutOff = newest.At - undoWindow;
        if (newest.At <= cutOff)
        {
            through = newest.Id.Sequence;
            dropped.AddRange(older.Select(k => k.Id));
            return [];
        }

        var start = Math.Max(0, older.FindLastIndex(k => k.At <= cutOff));
        if (older.Count > 0 && older[start].At <= cutOff)
        {
            through = older[start].Id.Sequence;
        }

        dropped.AddRange(older.Take(start).Select(k => k.Id));
        var kept = new List<KeptSnapshot>();
        foreach (var snapshot in older.Skip(start))
        {
            if (kept.Count == 0 || snapshot.At - kept[^1].At >= undoWindow / 4)
            {
                kept.Add(snapshot);
            }
            else
            {
                dropped.Add(snapshot.Id);
            }
        }

        return kept;
    }
}
