using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// What a silo may use of one site, as it sees it. Times are on the silo's own monotonic clock. A lease counts from when it was asked for, and is over
/// for the silo <see cref="DestinationOptions.CloseBefore"/> earlier than for the grain. What an ask does not claim is not used again, whatever its answer.
/// </summary>
/// <param name="firstNumber">Greater than the number of any ask of the silo before, also of one about the same site that has been forgotten meanwhile.</param>
internal sealed class HeldLease(Guid silo, string siloName, DestinationOptions options, long firstNumber)
{
    private TimeSpan _endsAt;
    private long _number = firstNumber;
    private Guid _epoch;
    private int _target;

    /// <summary>Connections that it may have; look at <see cref="IsOver"/> too.</summary>
    public int Granted { get; private set; }

    /// <summary>Connections that it has, also those that were told to close and are not closed yet.</summary>
    public int InUse { get; private set; }

    /// <summary>Those that were told to close.</summary>
    public int Ended { get; private set; }

    /// <summary>How many it should give back as their messages end.</summary>
    public int Excess => Math.Max(0, InUse - Ended - _target);

    /// <summary>When its connections are to be closed, unless it is renewed.</summary>
    public TimeSpan EndsAt => _endsAt;

    public bool IsOver(TimeSpan now) => now >= _endsAt;

    public bool CanTake(TimeSpan now) => !IsOver(now) && InUse < Math.Min(Granted, _target);

    public bool TryTake(TimeSpan now)
    {
        if (!CanTake(now))
        {
            return false;
        }

        InUse++;
        return true;
    }

    /// <summary>A connection is closed.</summary>
    public void Return(bool wasEnded)
    {
        InUse--;
        Ended -= wasEnded ? 1 : 0;
    }

    /// <summary>So many more connections are told to close.</summary>
    public void End(int connections) => Ended += connections;

    /// <param name="failed">Connections in use that have failed, and will be returned.</param>
    public LeaseAsk Ask(int waiting, int failed, TimeSpan now)
    {
        if (IsOver(now))
        {
            Granted = 0;
        }

        // The rest is given back by this, and what others should have and is not in use.
        Granted = Math.Min(Granted, Math.Max(InUse, Math.Min(_target, InUse + waiting)));
        return new LeaseAsk(silo, siloName, ++_number, _epoch, Granted, Math.Max(0, InUse - Ended - failed), InUse + waiting);
    }

    /// <returns>How many more connections are to be told to close at once: there are more than were granted.</returns>
    public int Answered(LeaseReply reply, TimeSpan askedAt, TimeSpan now)
    {
        _epoch = reply.Epoch;
        if (reply.Status == LeaseStatus.Leased)
        {
            (Granted, _target, _endsAt) = (reply.Granted, reply.Target, askedAt + reply.Lease - options.CloseBefore);
        }

        var open = InUse - Ended;
        return IsOver(now) ? open : Math.Max(0, open - Granted);
    }
}
