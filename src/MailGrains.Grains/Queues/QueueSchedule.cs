namespace MailGrains.Grains.Queues;

/// <summary>What is due when, in memory: a heap of times, and those that are due by priority (RFC 6710). Entries that changed meanwhile are found out late.</summary>
internal sealed class QueueSchedule
{
    private readonly PriorityQueue<QueueEntry, long> _times = new();
    private readonly PriorityQueue<QueueEntry, (int Priority, long Due)> _ready = new();

    /// <summary>When to look next; <see cref="long.MaxValue"/>: at no time.</summary>
    public long Next
    {
        get
        {
            while (_times.TryPeek(out var entry, out var at))
            {
                if (entry.WakeAt != long.MaxValue && entry.ScheduledAt == at)
                {
                    return at;
                }

                Forget(entry, at);
                _times.Dequeue();
            }

            return long.MaxValue;
        }
    }

    public bool HasReady => _ready.Count > 0;

    /// <summary>The entry came, or one of its times has changed.</summary>
    /// <param name="live">How many entries there are: the heap is made anew when it has too many that are no more.</param>
    public void Note(QueueEntry entry, int live)
    {
        if (_times.Count > (4 * live) + 1024)
        {
            Compact();
        }

        Add(entry);
    }

    /// <summary>Moves what is due to the ready ones; calls back for what has expired, is late, or has been held long enough.</summary>
    public void Collect(long now, Action<QueueEntry> late)
    {
        while (Next <= now && _times.TryDequeue(out var entry, out var at))
        {
            Forget(entry, at);
            if (entry.WakeAt > now)
            {
                Add(entry);
            }
            else if (entry.Is(EntryFlags.Held) || entry.LateAt <= now)
            {
                late(entry);
            }
            else
            {
                entry.IsReady = true;
                _ready.Enqueue(entry, (-entry.Priority, entry.Due));

                // It may not be startable for long.
                Add(entry);
            }
        }
    }

    /// <summary>The next entry to start.</summary>
    public QueueEntry? TakeReady(long now)
    {
        while (_ready.TryDequeue(out var entry, out _))
        {
            entry.IsReady = false;
            if (entry.Waits && entry.Due <= now)
            {
                return entry;
            }

            // The clock was set back, or it is not to be started any more.
            Add(entry);
        }

        return null;
    }

    private void Add(QueueEntry entry)
    {
        if (entry.WakeAt is < long.MaxValue and var at && entry.ScheduledAt != at)
        {
            entry.ScheduledAt = at;
            _times.Enqueue(entry, at);
        }
    }

    private static void Forget(QueueEntry entry, long at)
    {
        if (entry.ScheduledAt == at)
        {
            entry.ScheduledAt = -1;
        }
    }

    private void Compact()
    {
        var live = _times.UnorderedItems.Where(item => item.Element.WakeAt != long.MaxValue && item.Element.ScheduledAt == item.Priority).ToList();
        _times.Clear();
        _times.EnqueueRange(live);
    }
}
