using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;

namespace MailGrains.Grains.Tests.Relay.Limits;

internal enum Deed
{
    /// <summary>Time passes.</summary>
    Wait,

    /// <summary>A silo asks any of the activations.</summary>
    Ask,

    /// <summary>An activation goes a step on: takes an ask, reaches the store, decides.</summary>
    Proceed,

    /// <summary>An answer reaches its silo.</summary>
    Answer,

    /// <summary>A silo waits no longer for its answer; the ask may arrive all the same.</summary>
    Lose,
    Open,
    Close,

    /// <summary>A silo wants more, or fewer.</summary>
    Want,

    /// <summary>Another activation, beside those that there are.</summary>
    Activate,
    Kill,

    /// <summary>An activation with nothing leased ends in order.</summary>
    Rest,

    /// <summary>An activation ends in order, whatever is leased.</summary>
    Leave,
    KillSilo,

    /// <summary>A connection fails.</summary>
    Fail,
}

internal readonly record struct Step(Deed Deed, int Who, int What);

/// <summary>A cluster with one site, its store, and messages that take their time or never arrive.</summary>
internal sealed class LeaseWorld
{
    /// <summary>Short, so that leases end often, and hardly before the grain counts them as ended.</summary>
    private static readonly DestinationOptions Options = new()
    {
        Lease = TimeSpan.FromSeconds(3),
        CloseBefore = TimeSpan.FromSeconds(0.1),
        FirstBackOff = TimeSpan.FromSeconds(3),
        MaxBackOff = TimeSpan.FromSeconds(10),
    };

    private readonly DestinationLimits _limits;
    private readonly Random _random;
    private readonly List<Silo> _silos = [];
    private readonly List<Activation> _activations = [];
    private Guid? _epochInStore;
    private string? _leftInStore;

    public LeaseWorld(int limit, int silos, int seed)
    {
        (_limits, _random) = (new DestinationLimits { Connections = limit }, new Random(seed));
        for (var i = 0; i < silos; i++)
        {
            _silos.Add(new Silo());
        }

        _activations.Add(new Activation());
    }

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>Also those that were told to close and are not closed yet.</summary>
    public int OpenConnections => _silos.Sum(silo => silo.Lease.InUse);

    /// <summary>Connections that were cut while their lease went on.</summary>
    public int Cut { get; private set; }

    /// <summary>Activations that knew what those before had leased.</summary>
    public int HandedOver { get; private set; }

    public void Do(Step step)
    {
        var silo = _silos[step.Who % _silos.Count];
        var activation = _activations.Count == 0 ? null : _activations[step.What % _activations.Count];
        switch (step.Deed)
        {
            case Deed.Wait: Advance(TimeSpan.FromMilliseconds(step.What < 8 ? step.Who * 50 : step.Who * 400)); break;
            case Deed.Ask when silo.Asked is null && activation is not null: Ask(silo, activation); break;
            case Deed.Proceed: activation?.Proceed(this, _random); break;
            case Deed.Answer: Answer(silo); break;
            case Deed.Lose: silo.Asked = null; break;
            case Deed.Open when silo.Lease.TryTake(Now): silo.Waiting = Math.Max(0, silo.Waiting - 1); break;
            case Deed.Close when silo.Open > 0: silo.Lease.Return(wasEnded: false); break;
            case Deed.Want: silo.Waiting = step.What; break;
            case Deed.Activate when _activations.Count < 3: _activations.Add(new Activation()); break;
            case Deed.Kill when activation is not null: _activations.Remove(activation); break;
            case Deed.Rest: Rest(activation); break;
            case Deed.Leave: activation?.Leave(Now); break;
            case Deed.KillSilo: _silos[_silos.IndexOf(silo)] = new Silo(); break;
            case Deed.Fail when silo.Open > 0: silo.Lease.Return(wasEnded: false); silo.Failures++; break;
            default: break;
        }
    }

    /// <summary>One activation is left and no message is lost; all silos want all there is, and keep what they get.</summary>
    public void Calm(int limit)
    {
        _activations.RemoveRange(0, Math.Max(0, _activations.Count - 1));
        for (var passed = 0; passed < 60; passed++)
        {
            Advance(TimeSpan.FromSeconds(0.5));
            if (_activations is [] or [{ IsReplaced: true }] or [{ IsLeaving: true }])
            {
                _activations.Clear();
                _activations.Add(new Activation());
            }

            foreach (var silo in _silos)
            {
                (silo.Asked, silo.Waiting) = (null, limit);
                Ask(silo, _activations[0]);
                while (_activations[0].HasWork)
                {
                    _activations[0].Proceed(this, _random);
                }

                Answer(silo);
                while (silo.Lease.TryTake(Now))
                {
                }
            }
        }
    }

    private void Advance(TimeSpan time)
    {
        // In small steps, so that each lease is seen to end when it does.
        for (var end = Now + time; Now < end;)
        {
            Now += TimeSpan.FromMilliseconds(50);
            foreach (var silo in _silos)
            {
                if (silo.Lease.IsOver(Now))
                {
                    silo.End(silo.Open, silo.Lease.EndsAt + Options.CloseBefore);
                }

                silo.CloseEnded(Now);
            }
        }
    }

    private void Ask(Silo silo, Activation activation)
    {
        var ask = silo.Lease.Ask(silo.Waiting, 0, Now) with { Failures = silo.Failures };
        (silo.Failures, silo.AskedAt, silo.Asked) = (0, Now, new Asked(silo, ask));
        activation.Inbox.Add(silo.Asked);
    }

    private void Answer(Silo silo)
    {
        if (silo.Asked is { Reply: { } reply })
        {
            silo.Asked = null;
            if (reply.Status != LeaseStatus.Replaced)
            {
                var cut = silo.Lease.Answered(reply, silo.AskedAt, Now);
                silo.End(cut, Now);
                Cut += silo.Lease.IsOver(Now) ? 0 : cut;
            }
        }
    }

    private void Rest(Activation? activation)
    {
        if (activation is { IsIdle: true } && activation.Site?.IsLeasing(Now) == false)
        {
            _activations.Remove(activation);
            (_epochInStore, _leftInStore) = _epochInStore == activation.Epoch ? (null, null) : (_epochInStore, _leftInStore);
        }
    }

    private sealed class Silo
    {
        /// <summary>When each of the connections that were told to close is closed at the latest.</summary>
        private readonly Queue<TimeSpan> _closing = new();

        public HeldLease Lease { get; } = new(Guid.NewGuid(), "silo", Options, 0);

        public int Waiting { get; set; }

        public int Failures { get; set; }

        public Asked? Asked { get; set; }

        public TimeSpan AskedAt { get; set; }

        public int Open => Lease.InUse - Lease.Ended;

        public void End(int connections, TimeSpan closedAt)
        {
            Lease.End(connections);
            for (var i = 0; i < connections; i++)
            {
                _closing.Enqueue(closedAt);
            }
        }

        public void CloseEnded(TimeSpan now)
        {
            while (_closing.TryPeek(out var closed) && closed <= now)
            {
                _closing.Dequeue();
                Lease.Return(wasEnded: true);
            }
        }
    }

    private sealed class Asked(Silo silo, LeaseAsk ask)
    {
        public Silo Silo => silo;

        public LeaseAsk Ask => ask;

        public LeaseReply? Reply { get; set; }
    }

    /// <summary>As the grain does it: one ask at a time, in three steps with time between them.</summary>
    private sealed class Activation
    {
        private Asked? _current;
        private TimeSpan _begun;
        private TimeSpan _confirmed;
        private bool? _isInForce;
        private bool _hadPredecessor;
        private string? _found;
        private string? _leaving;

        public Guid Epoch { get; } = Guid.NewGuid();

        public List<Asked> Inbox { get; } = [];

        public DestinationSite? Site { get; private set; }

        public bool IsReplaced { get; private set; }

        public bool IsLeaving { get; private set; }

        public bool IsIdle => _current is null;

        public bool HasWork => _current is not null || Inbox.Count > 0;

        /// <summary>What it leaves is in the store some steps later, or never.</summary>
        public void Leave(TimeSpan now)
        {
            if (!IsLeaving)
            {
                IsLeaving = true;
                _leaving = Site is null || IsReplaced || Site.IsTakingOver(now) ? null : Site.Leave(now).Write();
            }
        }

        public void Proceed(LeaseWorld world, Random random)
        {
            if (IsLeaving)
            {
                world._leftInStore = world._epochInStore == Epoch && _leaving is not null ? _leaving : world._leftInStore;
                world._activations.Remove(this);
            }
            else if (_current is null)
            {
                if (Inbox.Count > 0)
                {
                    var next = random.Next(Inbox.Count);
                    (_current, _begun, _isInForce) = (Inbox[next], world.Now, null);
                    Inbox.RemoveAt(next);
                }
            }
            else if (_isInForce is null && (Site is null || world.Now - _confirmed > DestinationSite.Confirmation))
            {
                if (Site is null)
                {
                    (_hadPredecessor, _found) = (world._epochInStore is not null, world._leftInStore);
                    (world._epochInStore, world._leftInStore) = (Epoch, null);
                }

                _isInForce = world._epochInStore == Epoch;
            }
            else
            {
                Decide(world, random);
            }
        }

        private void Decide(LeaseWorld world, Random random)
        {
            Site ??= TakeOver(world, random);
            IsReplaced |= _isInForce == false;
            _confirmed = _isInForce == true ? _begun : _confirmed;
            if (!IsReplaced && world.Now - _confirmed > DestinationSite.Confirmation)
            {
                // The store took too long: once more.
                (_begun, _isInForce) = (world.Now, null);
                return;
            }

            // The grain looks at the time again after its wait for the store.
            _current!.Reply = IsReplaced
                ? new LeaseReply(LeaseStatus.Replaced, Epoch)
                : Site.Renew(_current.Ask, _confirmed, world.Now, DateTimeOffset.UnixEpoch + world.Now);
            _current = null;
        }

        private DestinationSite TakeOver(LeaseWorld world, Random random)
        {
            var left = SiteHandover.TryRead(_found);
            var takenOverAt = DestinationSite.TakenOverAt(world.Now, _hadPredecessor && left is null ? Options.Lease : null);
            var site = new DestinationSite(world._limits, Options, Epoch, takenOverAt, random);
            if (left is not null)
            {
                site.Restore(left, world.Now);
                world.HandedOver++;
            }

            return site;
        }
    }
}
