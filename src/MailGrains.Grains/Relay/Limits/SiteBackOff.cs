using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// What a site's failures lead to. Each failed connection halves what is allowed of those that there are; at none the site backs off, each time twice
/// as long. Then one probe in the whole cluster; after it what is allowed doubles each time that the connections which came last have succeeded.
/// </summary>
internal sealed class SiteBackOff(DestinationOptions options, Random random)
{
    private int _allowed = int.MaxValue;
    private int _level;
    private int _successes;

    public DestinationCondition Condition { get; private set; }

    /// <summary>With <see cref="DestinationCondition.BackOff"/>: when there may be a probe.</summary>
    public TimeSpan Until { get; private set; }

    public Guid? Prober { get; private set; }

    public string? LastFailure { get; private set; }

    public TimeSpan? LastFailureAt { get; private set; }

    /// <summary>Connections at a time, as far as the site's state goes.</summary>
    public int Allowed => Condition is DestinationCondition.BackOff or DestinationCondition.Probing ? 0 : _allowed;

    /// <summary>How a silo's connections went; the probe is told by <see cref="NoteProbe"/>.</summary>
    /// <param name="active">Connections in use in the whole cluster, without those that failed.</param>
    public void Note(int successes, int failures, string? failure, int active, int limit, TimeSpan now)
    {
        if (successes > 0)
        {
            Succeeded(successes, active, limit);
        }

        if (failures <= 0)
        {
            return;
        }

        // Long ago counts no more.
        _level = LastFailureAt is { } last && now - last > 2 * options.MaxBackOff ? 0 : _level;
        (LastFailure, LastFailureAt) = (failure ?? LastFailure, now);

        // Connections that were under way before the back-off fail late: they say nothing new.
        if (Condition is DestinationCondition.Open or DestinationCondition.SlowStart)
        {
            _allowed = Halve(Math.Min(Math.Min(_allowed, limit), Math.Max(0, active) + failures), failures);
            (Condition, _successes) = (DestinationCondition.SlowStart, 0);
            if (_allowed == 0)
            {
                BackOff(now);
            }
        }
    }

    /// <summary>What the silo says of its probe. Without a word of it, it was given up, and there may be another.</summary>
    public void NoteProbe(Guid silo, ProbeState probe, string? failure, int active, int limit, TimeSpan now)
    {
        if (Condition != DestinationCondition.Probing || Prober != silo || probe == ProbeState.Running)
        {
            return;
        }

        Prober = null;
        (Condition, Until) = (DestinationCondition.BackOff, now);
        if (probe == ProbeState.Succeeded)
        {
            Succeeded(1, active, limit);
        }
        else if (probe == ProbeState.Failed)
        {
            (LastFailure, LastFailureAt) = (failure ?? LastFailure, now);
            BackOff(now);
        }
    }

    /// <summary>The silo is gone, as far as is known.</summary>
    public void Lost(TimeSpan now)
    {
        if (Condition == DestinationCondition.Probing)
        {
            Prober = null;
            (Condition, Until) = (DestinationCondition.BackOff, now);
        }
    }

    public bool TryProbe(Guid silo, bool isUrgent, TimeSpan now)
    {
        if (Condition != DestinationCondition.BackOff || (now < Until && !isUrgent))
        {
            return false;
        }

        (Condition, Prober) = (DestinationCondition.Probing, silo);
        return true;
    }

    private void Succeeded(int successes, int active, int limit)
    {
        if (Condition is DestinationCondition.BackOff or DestinationCondition.Probing)
        {
            (Condition, _successes, Prober) = (DestinationCondition.SlowStart, 0, null);
            _allowed = Math.Max(1, active) + 1;
        }
        else if (Condition == DestinationCondition.SlowStart)
        {
            // Half of what is allowed came with the last doubling.
            for (_successes += successes; _successes >= Math.Max(1, _allowed / 2) && _allowed < limit;)
            {
                _successes -= Math.Max(1, _allowed / 2);
                _allowed *= 2;
            }
        }

        if (Condition == DestinationCondition.SlowStart && _allowed >= limit)
        {
            (Condition, _allowed, _level) = (DestinationCondition.Open, int.MaxValue, 0);
        }
    }

    private void BackOff(TimeSpan now)
    {
        var length = Math.Min(options.MaxBackOff.TotalSeconds, options.FirstBackOff.TotalSeconds * Math.Pow(2, Math.Min(_level, 30)));
        _level++;
        Condition = DestinationCondition.BackOff;
        Until = now + TimeSpan.FromSeconds(length * (1 + (options.Jitter * ((2 * random.NextDouble()) - 1))));
    }

    private static int Halve(int allowed, int times) => times >= 31 ? 0 : allowed >> times;
}
