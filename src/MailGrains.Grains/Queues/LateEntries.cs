using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Queues;

/// <summary>
/// What is to be done about entries whatever keeps them from being tried: those whose time is over are given up or tried once more, senders hear of a delay,
/// and what was held until now is let go. What fails is done in a later round, and keeps nothing else from being done.
/// </summary>
internal sealed class LateEntries(QueueId queue, QueueState state, QueueCommits commits, QueueParts parts, TimeProvider time)
{
    private readonly List<QueueEntry> _waiting = [];
    private long _retryAt;
    private bool _wasSuspended;
    private bool _isKnownDown;

    /// <summary>Something is to be told to a message's sender.</summary>
    public Action<QueueEntry> Tell { get; set; } = static _ => { };

    /// <summary>When to look next; <see cref="long.MaxValue"/>: at no time that is not the schedule's.</summary>
    public long Next => _waiting.Count > 0 ? _retryAt : long.MaxValue;

    private long Now => QueueRunner.Milliseconds(time.GetUtcNow());

    /// <summary>An attempt has shown that the site can't be used: what was to be tried once more is as good as tried.</summary>
    public void SiteIsDown() => _isKnownDown = true;

    public void ClockWasSetBack() => _retryAt = 0;

    /// <param name="schedule">What is due in it, and not late, becomes ready.</param>
    /// <param name="isSuspended">Nothing is given up that could not be tried: it is looked at when that ends.</param>
    /// <param name="isDown">The site can't be used, as attempts of this activation have shown.</param>
    public async Task TakeAsync(QueueSchedule schedule, bool isSuspended, bool isDown, CancellationToken cancellationToken)
    {
        var now = Now;
        if (_wasSuspended && !isSuspended)
        {
            _waiting.AddRange(state.Entries.Where(e => e.Waits && e.LateAt <= now));
        }

        _wasSuspended = isSuspended;
        schedule.Collect(now, _waiting.Add);
        if (_isKnownDown)
        {
            _isKnownDown = false;
            _waiting.AddRange(state.Entries.Where(e => e.Waits && e.Is(EntryFlags.LastTry)));
        }

        if (_waiting.Count == 0 || now < _retryAt)
        {
            return;
        }

        var late = _waiting.Distinct().ToList();
        _waiting.Clear();
        foreach (var group in late.Chunk(parts.Options.JobMessages))
        {
            await Task.WhenAll(group
                .Where(entry => state.Find(entry.Email) == entry)
                .Where(entry => !isSuspended || entry.Expires > now || entry.Is(EntryFlags.Held | EntryFlags.EndsInTime))
                .Select(entry => TakeAsync(entry, now, isDown, cancellationToken)));
        }

        foreach (var entry in late.Where(entry => entry.WakeAt > now))
        {
            schedule.Note(entry, state.Count);
        }
    }

    private async Task TakeAsync(QueueEntry entry, long now, bool isDown, CancellationToken cancellationToken)
    {
        try
        {
            await commits.ChangeAsync(entry, changed => Change(changed, now, isDown), cancellationToken, onlyIdle: true);
            Tell(entry);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _waiting.Add(entry);
            _retryAt = now + (long)parts.Options.BusyPause.TotalMilliseconds;
            parts.Log.NotEnded(queue, 1, e.Message);
        }
    }

    private static void Change(QueueEntry entry, long now, bool isDown)
    {
        if (entry.Is(EntryFlags.Held))
        {
            if (entry.HeldUntil <= now)
            {
                entry.Release(now);
            }

            return;
        }

        var isOver = entry.Expires <= now;
        var isGivenUp = isOver && (isDown || entry.Is(EntryFlags.EndsInTime));
        if (isOver && !isGivenUp)
        {
            // Whatever kept it from being tried until now (this host was off, the queue suspended): it is once more, and how that ends decides.
            entry.Flags |= EntryFlags.LastTry;
            entry.MakeDue(now);
            entry.DelayAt = 0;
            return;
        }

        if (isGivenUp || (entry.DelayAt != 0 && entry.DelayAt <= now))
        {
            var reply = QueueCommits.TextFor(entry.LastReply ?? "no attempt could be made", entry.Left.Count);
            var (kind, status) = isGivenUp ? (NoticeKind.Expired, QueueDraft.Expired) : (NoticeKind.Delayed, "4.4.7");
            entry.Notices = [.. entry.Notices ?? [], .. entry.Left.Indexes().Select(i => new Notice(kind, i, 0, status, reply, null))];
            entry.DelayAt = 0;
            entry.Left = isGivenUp ? default : entry.Left;
        }
    }
}
