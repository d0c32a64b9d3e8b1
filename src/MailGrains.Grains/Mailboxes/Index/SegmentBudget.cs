namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>
/// Bounds the memory that the loaded segments of all mailboxes of a silo take; the least recently used go first. A segment that is pinned, or
/// that was never stored, stays. Mailboxes run on different threads: everything here is under one lock, taken when sessions read, never for a delivery.
/// </summary>
public sealed class SegmentBudget(long maxBytes)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<IndexSegment> _recent = new();
    private long _bytes;

    /// <summary>Bytes of all loaded segments, roughly.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Keeps the entries of a segment in memory, in place of earlier ones.</summary>
    internal void Hold(IndexSegment segment, EntryList entries)
    {
        lock (_lock)
        {
            Forget(segment);
            segment.Put(entries);
            segment.Weight = entries.Weight;
            _bytes += segment.Weight;
            segment.Node = _recent.AddFirst(segment);
            Trim(segment);
        }
    }

    /// <summary>Keeps a loaded segment in memory until <see cref="Unpin"/>; false where it is not loaded.</summary>
    internal bool TryPin(IndexSegment segment)
    {
        lock (_lock)
        {
            if (segment.Node is not { } node)
            {
                return false;
            }

            segment.Pins++;
            _recent.Remove(node);
            _recent.AddFirst(node);
            return true;
        }
    }

    internal void Unpin(IndexSegment segment)
    {
        lock (_lock)
        {
            segment.Pins--;
            Trim(null);
        }
    }

    /// <summary>A segment is gone, or its mailbox.</summary>
    internal void Drop(IndexSegment segment)
    {
        lock (_lock)
        {
            Forget(segment);
        }
    }

    /// <summary>Segments have become stored: they may go now.</summary>
    internal void Trim()
    {
        lock (_lock)
        {
            Trim(null);
        }
    }

    private void Trim(IndexSegment? newest)
    {
        for (var node = _recent.Last; node is not null && _bytes > maxBytes;)
        {
            var segment = node.Value;
            node = node.Previous;
            if (segment.Pins == 0 && !segment.IsUnstored && segment != newest)
            {
                Forget(segment);
            }
        }
    }

    private void Forget(IndexSegment segment)
    {
        if (segment.Node is { } node)
        {
            _recent.Remove(node);
            _bytes -= segment.Weight;
            segment.Node = null;
            segment.Put(null);
        }
    }
}
