using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Alarms;

/// <summary>Adds up all queues; shards count as queues of their own.</summary>
/// <param name="agedBefore">What was received before has waited for too long.</param>
internal sealed class QueueSum(DateTimeOffset agedBefore)
{
    private const int MaxRows = 200_000;
    private const int MaxShown = 5;

    private readonly List<QueueOverview> _oldest = [];
    private QueueTotals _totals = new(0, 0, 0, 0, null, IsComplete: true);
    private DateTimeOffset? _oldestPending;
    private int _aged;

    public QueueWatch Result => new(_totals, _aged, [.. _oldest], null, _oldestPending);

    /// <summary>False: no more are looked at.</summary>
    public bool Take(QueueOverview queue)
    {
        if (_totals.Queues == MaxRows)
        {
            _totals = _totals with { IsComplete = false };
            return false;
        }

        _totals = _totals.With(queue);
        if (queue.Suspended is null && queue.OldestPending is { } pending)
        {
            _oldestPending = _oldestPending < pending ? _oldestPending : pending;
            if (pending < agedBefore)
            {
                _aged++;
                Show(queue);
            }
        }

        return true;
    }

    private void Show(QueueOverview queue)
    {
        var place = _oldest.FindIndex(shown => queue.OldestPending < shown.OldestPending);
        _oldest.Insert(place < 0 ? _oldest.Count : place, queue);
        if (_oldest.Count > MaxShown)
        {
            _oldest.RemoveAt(MaxShown);
        }
    }
}

/// <summary>What the last look at all queues found, for gauges.</summary>
public sealed record QueueFigures(QueueWatch Watch, DateTimeOffset At);
