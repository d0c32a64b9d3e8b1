using System.Diagnostics.CodeAnalysis;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Relay.Routing;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// What a silo has for one site: the messages that wait, by priority and then by turns of their queues, and the workers that take them, each with a connection or on
/// the way to one. While nothing shows that the site works, one worker tries; then there are more as messages wait. Thread-safe. It is gone once it has
/// neither messages nor workers.
/// </summary>
internal sealed class RelaySite(TargetKey key, RelaySender sender)
{
    private static readonly TimeSpan TurnEvery = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<Attempt, (int Priority, long Turn)> _line = new();
    private readonly Dictionary<QueueId, long> _turns = [];
    private readonly Stack<SiteWorker> _idle = new();
    private readonly HashSet<SiteWorker> _workers = [];
    private long _turn;
    private int _opening;
    private int _live;
    private int _urgent;
    private DateTimeOffset _noMoreBefore;
    private bool _isClosed;

    public TargetKey Key => key;

    /// <summary>Of queues that wait for room here.</summary>
    public SenderTurns Turns { get; } = new(sender.Time, TurnEvery);

    /// <summary>As it was found last.</summary>
    public RelayTarget Target { get; private set; } = null!;

    /// <summary>There is a connection that works.</summary>
    public bool IsLive => Volatile.Read(ref _live) > 0;

    /// <summary>Messages that wait, or are being sent.</summary>
    public int Count { get; private set; }

    /// <summary>An operator wants one of those that wait to be tried now.</summary>
    public bool IsUrgent => Volatile.Read(ref _urgent) > 0;

    public bool HasWork
    {
        get
        {
            lock (_gate)
            {
                return _line.Count > 0;
            }
        }
    }

    /// <returns>False: it has gone.</returns>
    public bool TryAdd(RelayTarget found, Attempt attempt)
    {
        SiteWorker? worker;
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            Target = found;
            Count++;
            if (!_idle.TryPop(out worker))
            {
                Enqueue(attempt, TurnOf(attempt.Queue));
                StartWorkers();
                return true;
            }
        }

        worker.Give(attempt);
        return true;
    }

    /// <summary>Its connection could not be used; it is to be the next again.</summary>
    public void PutBack(Attempt attempt)
    {
        lock (_gate)
        {
            Enqueue(attempt, long.MinValue);
            StartWorkers();
        }
    }

    public bool TryTake([NotNullWhen(true)] out Attempt? attempt)
    {
        lock (_gate)
        {
            return TryDequeue(out attempt);
        }
    }

    /// <summary>The next message, or none and the worker waits for <see cref="SiteWorker.Give"/>.</summary>
    public Attempt? TakeOrWait(SiteWorker worker)
    {
        lock (_gate)
        {
            if (!TryDequeue(out var attempt))
            {
                _idle.Push(worker);
            }

            return attempt;
        }
    }

    /// <returns>False: somebody gives it a message right now.</returns>
    public bool StopWaiting(SiteWorker worker)
    {
        lock (_gate)
        {
            var others = _idle.Where(other => other != worker).Reverse().ToArray();
            if (others.Length == _idle.Count)
            {
                return false;
            }

            _idle.Clear();
            foreach (var other in others)
            {
                _idle.Push(other);
            }

            return true;
        }
    }

    /// <summary>A worker's connection is ready.</summary>
    public void Opened()
    {
        List<Attempt> proven = [];
        lock (_gate)
        {
            _opening--;
            if (_live++ == 0)
            {
                proven.AddRange(_line.UnorderedItems.Select(item => item.Element));
            }

            StartWorkers();
        }

        sender.Prove(proven);
    }

    /// <summary>A worker has lost its connection and goes for another.</summary>
    public void Reopens()
    {
        lock (_gate)
        {
            _live--;
            _opening++;
        }
    }

    /// <param name="noMoreBefore">No connection is to be had before.</param>
    public void WorkerEnds(SiteWorker worker, DateTimeOffset? noMoreBefore)
    {
        bool isGone;
        lock (_gate)
        {
            _workers.Remove(worker);
            _opening--;
            _noMoreBefore = noMoreBefore ?? _noMoreBefore;
            StartWorkers();
            isGone = Close();
        }

        if (isGone)
        {
            sender.Forget(this);
        }
    }

    /// <summary>A message has ended, whatever became of it.</summary>
    public void Ended()
    {
        bool isGone;
        lock (_gate)
        {
            Count--;
            isGone = Close();
        }

        if (isGone)
        {
            sender.Forget(this);
        }
    }

    /// <summary>All that wait, for one who refuses them.</summary>
    public List<Attempt> TakeAll()
    {
        lock (_gate)
        {
            List<Attempt> all = [];
            while (TryDequeue(out var attempt))
            {
                all.Add(attempt);
            }

            return all;
        }
    }

    /// <summary>Looks after connections without work (time, and what the cluster wants), and after messages that wait for slow ones.</summary>
    public void LookAfter()
    {
        SiteWorker[] idle;
        lock (_gate)
        {
            idle = [.. _idle];
            if (_line.Count > _opening && MayOpen())
            {
                StartWorker();
            }
        }

        foreach (var worker in idle)
        {
            worker.LookAfter();
        }
    }

    /// <summary>Queues take turns: one with a thousand messages does not keep the others' waiting behind all of them.</summary>
    private long TurnOf(QueueId queue)
    {
        var turn = Math.Max(_turns.GetValueOrDefault(queue), _turn) + 1;
        return _turns[queue] = turn;
    }

    private void Enqueue(Attempt attempt, long turn)
    {
        _line.Enqueue(attempt, (-attempt.Message.Priority, turn));
        _urgent += attempt.IsUrgent ? 1 : 0;
    }

    private bool TryDequeue([NotNullWhen(true)] out Attempt? attempt)
    {
        if (!_line.TryDequeue(out attempt, out var place))
        {
            _turns.Clear();
            return false;
        }

        _turn = Math.Max(_turn, place.Turn);
        _urgent -= attempt.IsUrgent ? 1 : 0;
        return true;
    }

    private bool Close()
    {
        if (_isClosed || Count > 0 || _workers.Count > 0)
        {
            return false;
        }

        return _isClosed = true;
    }

    /// <summary>Each live worker takes one of those that wait soon; for what is more, connections are opened.</summary>
    private void StartWorkers()
    {
        while (_line.Count > _opening + _live && MayOpen())
        {
            StartWorker();
        }
    }

    private bool MayOpen() =>
        _opening < (_live == 0 ? 1 : sender.Options.MaxOpening) && (_live == 0 || sender.Time.GetUtcNow() >= _noMoreBefore);

    private void StartWorker()
    {
        var worker = new SiteWorker(this, sender);
        _workers.Add(worker);
        _opening++;
        ThreadPool.UnsafeQueueUserWorkItem(static worker => _ = worker.RunAsync(), worker, preferLocal: false);
    }
}
