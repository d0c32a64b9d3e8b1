using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>What one silo has of a site.</summary>
internal sealed class SiloLease(Guid silo)
{
    public Guid Silo => silo;

    public string Name { get; set; } = "";

    /// <summary>Of the silo's last ask.</summary>
    public long Number { get; set; }

    /// <summary>What the silo may believe to have, at the most.</summary>
    public int Leased { get; set; }

    public int InUse { get; set; }

    public int Wanted { get; set; }

    /// <summary>Counted from when the ask arrived, so that it is never before the silo's own end, which counts from when it asked.</summary>
    public TimeSpan EndsAt { get; set; }

    /// <summary>Since when it has had one more than others who want it too; null: it has not.</summary>
    public TimeSpan? TurnSince { get; set; }

    public TimeSpan LastTurn { get; set; } = TimeSpan.MinValue;
}

/// <summary>The leases of a site's connections. The sum of what is leased never grows over the limit by what is decided here.</summary>
internal sealed class LeaseLedger
{
    /// <summary>How long a silo keeps a connection that can't be divided, when others want it too.</summary>
    public static readonly TimeSpan Turn = TimeSpan.FromSeconds(10);

    private readonly Dictionary<Guid, SiloLease> _silos = [];

    public IEnumerable<SiloLease> Silos => _silos.Values;

    public int InUse => _silos.Values.Sum(lease => lease.InUse);

    public bool IsEmpty => _silos.Count == 0;

    public SiloLease? Find(Guid silo) => _silos.GetValueOrDefault(silo);

    public int LeasedToOthers(Guid silo) => _silos.Values.Sum(lease => lease.Silo == silo ? 0 : lease.Leased);

    /// <summary>Lets go what had ended at a time.</summary>
    public void Lapse(TimeSpan asOf)
    {
        foreach (var lease in _silos.Values)
        {
            if (lease.EndsAt <= asOf)
            {
                _silos.Remove(lease.Silo);
            }
        }
    }

    /// <summary>Notes what a silo said; what it has is <paramref name="leased"/>.</summary>
    public SiloLease Note(LeaseAsk ask, int leased, TimeSpan endsAt)
    {
        if (!_silos.TryGetValue(ask.Silo, out var lease))
        {
            _silos[ask.Silo] = lease = new SiloLease(ask.Silo);
        }

        lease.Name = ask.SiloName;
        lease.Number = ask.Number;
        lease.InUse = Math.Max(0, ask.InUse);
        lease.Wanted = Math.Max(0, ask.Wanted);
        lease.Leased = leased;
        lease.EndsAt = endsAt;
        return lease;
    }

    public void Remove(SiloLease lease) => _silos.Remove(lease.Silo);

    public LeftLease[] Leave(TimeSpan now) =>
    [
        .. _silos.Values.Where(lease => lease.EndsAt > now).Select(lease =>
            new LeftLease(lease.Silo, lease.Name, lease.Number, lease.Leased, lease.InUse, lease.Wanted, lease.EndsAt - now)),
    ];

    public void Restore(IEnumerable<LeftLease> left, TimeSpan now)
    {
        foreach (var lease in left)
        {
            _silos[lease.Silo] = new SiloLease(lease.Silo)
            {
                Name = lease.Name,
                Number = lease.Number,
                Leased = lease.Leased,
                InUse = lease.InUse,
                Wanted = lease.Wanted,
                EndsAt = now + lease.Left,
            };
        }
    }

    /// <summary>The silo's fair share of what there is. Who has one more than others keeps it for a turn; then those go first who had none for the longest.</summary>
    public int ShareOf(Guid silo, int capacity, TimeSpan now)
    {
        var live = _silos.Values.Where(lease => lease.EndsAt > now).OrderBy(lease => RankOf(lease, now)).ThenBy(lease => lease.LastTurn)
            .ThenBy(lease => lease.Silo).ToArray();
        var shares = FairShare.Of([.. live.Select(lease => lease.Wanted)], capacity);
        var least = live.Zip(shares).Where(pair => pair.Second < pair.First.Wanted).Select(pair => (int?)pair.Second).Min();
        for (var i = 0; i < live.Length; i++)
        {
            Turned(live[i], isAhead: shares[i] > least, now);
        }

        return Array.FindIndex(live, lease => lease.Silo == silo) is >= 0 and var mine ? shares[mine] : 0;
    }

    private static int RankOf(SiloLease lease, TimeSpan now) => lease.TurnSince is not { } since ? 1 : now - since < Turn ? 0 : 2;

    private static void Turned(SiloLease lease, bool isAhead, TimeSpan now)
    {
        if (!isAhead && lease.TurnSince is not null)
        {
            (lease.TurnSince, lease.LastTurn) = (null, now);
        }
        else if (isAhead && (lease.TurnSince is not { } since || now - since >= Turn))
        {
            lease.TurnSince = now;
        }
    }
}
