using System.Collections.Concurrent;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// A silo's sender: takes jobs, finds out where each message goes, and has it sent by the workers of its site. What it has in hand is bounded, as a whole,
/// by site, and for sites that have not shown that they work: the dead and the slow leave room for the others.
/// </summary>
public sealed class RelaySender : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastReports = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FullPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TurnEvery = TimeSpan.FromMilliseconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<QueueId, QueuePort> _ports = [];
    private readonly ConcurrentDictionary<TargetKey, RelaySite> _sites = new();
    private readonly RelayRouting _routing;
    private readonly Func<QueueId, IDomainQueueGrain> _queues;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborting = new();
    private readonly SenderTurns _turns;
    private readonly SenderTurns _liveTurns;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _timer;
    private bool _isStopping;
    private int _messages;
    private int _unproven;
    private long _inlineBytes;

    internal RelaySender(
        RelayOptions options, RelayRouting routing, SiteConnector connector, DestinationLeases leases, BodyBlobs blobs, RelayMetrics metrics,
        Func<QueueId, IDomainQueueGrain> queues, SiloAddress silo, TimeProvider time, ILogger<RelaySender> logger)
    {
        Silo = silo;
        (Options, Connector, Leases, Blobs, Metrics, Time, Log) = (options, connector, leases, blobs, metrics, time, new RelayLog(logger));
        (_routing, _queues) = (routing, queues);
        (_turns, _liveTurns) = (new SenderTurns(time, TurnEvery), new SenderTurns(time, TurnEvery));
        _timer = time.CreateTimer(static sender => ((RelaySender)sender!).LookAfter(), this, LookEvery, LookEvery);
    }

    /// <summary>By which queues know it.</summary>
    internal SiloAddress Silo { get; }

    internal RelayOptions Options { get; }

    internal SiteConnector Connector { get; }

    internal DestinationLeases Leases { get; }

    internal BodyBlobs Blobs { get; }

    internal RelayMetrics Metrics { get; }

    internal TimeProvider Time { get; }

    internal RelayLog Log { get; }

    /// <summary>No message is begun any more.</summary>
    internal CancellationToken Stopping => _stopping.Token;

    /// <summary>Nor finished.</summary>
    internal CancellationToken Aborting => _aborting.Token;

    internal bool IsStopping => Volatile.Read(ref _isStopping);

    /// <summary>Reports that do not arrive at once are lost.</summary>
    internal bool HasGivenUp { get; private set; }

    /// <summary>Messages in hand.</summary>
    internal int Messages => Volatile.Read(ref _messages);

    /// <summary>Takes the messages of a job from its start, as far as there is room. What is in hand already counts as taken.</summary>
    public RelayTaken Take(RelayJob job)
    {
        var begun = new List<Attempt>(job.Messages.Length);
        var taken = 0;
        QueuePort? port;
        lock (_gate)
        {
            if (IsStopping)
            {
                return Taken(0, _turns);
            }

            if (!_ports.TryGetValue(job.Queue, out port))
            {
                port = new QueuePort(job.Queue, _queues(job.Queue), this);
            }

            var room = RoomOf(port);
            foreach (var message in job.Messages)
            {
                var inline = message.Message.Body.Inline?.Length ?? 0;
                var isKnown = port.Has(message);
                if (!isKnown && (begun.Count >= room || _inlineBytes + inline > Options.MaxInlineBytes))
                {
                    break;
                }

                taken++;
                if (!isKnown)
                {
                    begun.Add(Begin(port, message, job.IsUrgent, inline));
                }
            }
        }

        if (begun.Count > 0)
        {
            // Not in the turn of the grain that called.
            ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Sender.RouteAsync(work.Port, work.Order, work.Begun), new Work(this, port, job.Route, begun), preferLocal: false);
        }

        return taken < job.Messages.Length ? Taken(taken, TurnsOf(port)) : new RelayTaken(taken, Silo);
    }

    /// <summary>Takes no more, finishes what is being sent, and reports the rest as not tried.</summary>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            if (IsStopping)
            {
                return;
            }

            _isStopping = true;
        }

        await _stopping.CancelAsync();

        foreach (var site in _sites.Values)
        {
            foreach (var attempt in site.TakeAll())
            {
                attempt.ReportNotTried("the silo stops", null);
                site.Ended();
            }

            site.LookAfter();
        }

        await DrainAsync(Options.StopTime);
        await _aborting.CancelAsync();
        await DrainAsync(LastReports);
        HasGivenUp = true;
        if (Messages > 0)
        {
            Log.NotFinished(Messages);
        }

        await Leases.ReleaseAllAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        _stopping.Dispose();
        _aborting.Dispose();
    }

    /// <summary>Its site works: they no longer count among those that wait for what may be dead.</summary>
    internal void Prove(List<Attempt> attempts)
    {
        lock (_gate)
        {
            attempts.ForEach(Prove);
        }
    }

    /// <summary>A report has arrived: its attempt is no longer in hand.</summary>
    internal void Release(QueuePort port, Attempt attempt)
    {
        lock (_gate)
        {
            Prove(attempt);
            _messages--;
            _inlineBytes -= attempt.InlineBytes;
            if (port.IsEmpty && _ports.GetValueOrDefault(port.Id) == port)
            {
                _ports.Remove(port.Id);
            }
        }

        SignalDrained();
    }

    internal void Forget(RelaySite site)
    {
        _sites.TryRemove(new(site.Key, site));
        SignalDrained();
    }

    private RelayTaken Taken(int taken, SenderTurns turns) => new(taken, Silo) { Wait = turns.Next() };

    /// <summary>Queues of a site that works do not stand in line behind those of the dead, nor behind all that wait for a large one.</summary>
    private SenderTurns TurnsOf(QueuePort port) => port.Site is not { IsLive: true } site ? _turns
        : site.Count >= Options.MaxSiteMessages / 4 ? site.Turns
        : _liveTurns;

    private void Prove(Attempt attempt)
    {
        _unproven -= attempt.IsUnproven ? 1 : 0;
        attempt.IsUnproven = false;
    }

    private Attempt Begin(QueuePort port, RelayMessage message, bool isUrgent, int inline)
    {
        _ports[port.Id] = port;
        var attempt = port.Begin(message, isUrgent);
        attempt.IsUnproven = port.Site is not { IsLive: true };
        _unproven += attempt.IsUnproven ? 1 : 0;
        _messages++;
        _inlineBytes += inline;
        return attempt;
    }

    /// <summary>How many more messages of a queue there may be. What is left is shared out in shrinking parts, so that no site gets the last of it.</summary>
    private int RoomOf(QueuePort port)
    {
        var left = Options.MaxMessages - _messages;
        var (most, held) = port.Site is { IsLive: true } site ? (SiteRoom(left, Options.MaxSiteMessages, 4), site.Count)
            : (Math.Min(left, SiteRoom(Options.MaxUnproven - _unproven, Options.MaxSiteUnproven, 8)), Math.Max(port.Site?.Count ?? 0, port.Count));
        return Math.Min(left, most - held);
    }

    private static int SiteRoom(int left, int most, int part) => left <= 0 ? 0 : Math.Clamp(left / part, Math.Min(2, most), most);

    private async Task RouteAsync(QueuePort port, QueueRoute? order, List<Attempt> attempts)
    {
        var ordered = order is null ? null : RelayRouting.Ordered(port.Id, order);
        var found = new Dictionary<(RelayRoute?, TlsWish), (RelayTarget? Target, Destinations.DestinationFailure? Failure)>();
        foreach (var attempt in attempts)
        {
            try
            {
                var route = ordered ?? _routing.RouteOf(port.Id, attempt.Message.ReversePath);
                var wish = WishOf(attempt.Message.Needs);
                if (route is { Action: not RouteAction.Relay })
                {
                    Carry(attempt, route);
                    continue;
                }

                if (!found.TryGetValue((route, wish), out var where))
                {
                    found[(route, wish)] = where = await _routing.FindAsync(port.Id, route, wish, Aborting);
                }

                Go(port, attempt, where.Target, where.Failure);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (IsStopping)
                {
                    attempt.ReportNotTried("the silo stops", null);
                    continue;
                }

                Log.RoutingFailed(e, port.Id);
                attempt.Report();
            }
        }
    }

    private static TlsWish WishOf(MessageNeeds needs) => (needs & MessageNeeds.RequireTls) != 0 ? TlsWish.Verified
        : (needs & MessageNeeds.TlsOptional) != 0 ? TlsWish.Lifted
        : TlsWish.AsPolicy;

    private static void Carry(Attempt attempt, RelayRoute route)
    {
        if (route.Action == RouteAction.Hold)
        {
            attempt.ReportHeld(route.Reason ?? "a route holds such mail");
            return;
        }

        attempt.FinishAll(recipient => route.Action == RouteAction.Discard
            ? new RecipientOutcome(recipient, OutcomeKind.Discarded, 0, "2.0.0", "a route discards such mail", null)
            : new RecipientOutcome(recipient, OutcomeKind.Failed, 550, "5.7.1", route.Reason ?? "such mail is not sent from here", null));
        attempt.Report();
    }

    private void Go(QueuePort port, Attempt attempt, RelayTarget? target, Destinations.DestinationFailure? failure)
    {
        if (target is null)
        {
            attempt.Finish(failure!);
            attempt.Report();
            return;
        }

        while (!IsStopping)
        {
            var site = _sites.GetOrAdd(target.Key, static (key, sender) => new RelaySite(key, sender), this);
            if (site.Count >= (site.IsLive ? Options.MaxSiteMessages : Options.MaxSiteUnproven))
            {
                attempt.ReportNotTried("as many messages as may wait for the site do", TurnAt(port, site));
                return;
            }

            port.Site = site;
            if (site.TryAdd(target, attempt))
            {
                return;
            }
        }

        attempt.ReportNotTried("the silo stops", null);
    }

    /// <summary>One turn for all messages of a queue.</summary>
    private DateTimeOffset TurnAt(QueuePort port, RelaySite site)
    {
        var now = Time.GetUtcNow();
        if (port.FullUntil <= now)
        {
            var wait = site.Turns.Next();
            port.FullUntil = now + (wait > FullPause ? wait : FullPause);
        }

        return port.FullUntil;
    }

    private void LookAfter()
    {
        foreach (var site in _sites.Values)
        {
            site.LookAfter();
        }
    }

    private void SignalDrained()
    {
        if (IsStopping && Messages == 0 && _sites.IsEmpty)
        {
            _drained.TrySetResult();
        }
    }

    private async Task DrainAsync(TimeSpan time)
    {
        SignalDrained();
        using var limit = new CancellationTokenSource(time, Time);
        try
        {
            await _drained.Task.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // So much for that.
        }
    }

    private sealed record Work(RelaySender Sender, QueuePort Port, QueueRoute? Order, List<Attempt> Begun);
}
