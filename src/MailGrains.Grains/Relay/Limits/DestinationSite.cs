using System.Globalization;
using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// Decides what silos may do at one site, for one activation. Times are on the activation's monotonic clock.
/// <para>
/// Why the limit holds while activations and silos come and go: an activation first writes its epoch to the store (<see cref="SiteFence"/>), and leases
/// only what it decides within <see cref="Confirmation"/> of having read that epoch there. So after a successor's write it leases for that long at the most, and all
/// that it leased has ended a <see cref="DestinationOptions.Lease"/> later; until then (<c>takenOverAt</c>) the successor leases nothing new. What a silo
/// says to hold, having heard of the successor, was leased to it and had not ended at the successor's write. The predecessor can't give that to another any
/// more, since it lets go only what had ended when it last read its epoch: the successor may renew it at once.
/// </para>
/// <para>
/// An activation that ends in order leases nothing from then on and leaves what it has leased in the store (<see cref="SiteHandover"/>), if its own epoch is
/// still there: then the successor knows all, and need not wait.
/// </para>
/// </summary>
/// <param name="epoch">The activation's.</param>
/// <param name="takenOverAt">Before it only what silos hold is renewed; zero where there was no activation before this one.</param>
internal sealed class DestinationSite(
    DestinationLimits limits, DestinationOptions options, Guid epoch, TimeSpan takenOverAt, Random random)
{
    /// <summary>How old the last look at the epoch may be when something is leased.</summary>
    public static readonly TimeSpan Confirmation = TimeSpan.FromSeconds(2);

    /// <summary>For clocks that do not run alike.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    /// <summary>When there is something to share again, at the latest, is not known: a silo asks so often.</summary>
    private static readonly TimeSpan AtLimitWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(5);

    private readonly LeaseLedger _ledger = new();
    private readonly SiteBackOff _backOff = new(options, random);

    /// <summary>Null: messages are not limited.</summary>
    public MessageBudget? Budget { get; } = limits.Messages > 0 ? new MessageBudget(limits.Messages, limits.Period) : null;

    /// <summary>When nothing that an activation before this one leased can be in use any more.</summary>
    /// <param name="now">After the successor's epoch was written.</param>
    /// <param name="oldLease">Of the activation before; null: nothing was leased.</param>
    public static TimeSpan TakenOverAt(TimeSpan now, TimeSpan? oldLease) => oldLease is { } lease ? now + lease + Confirmation + Margin : TimeSpan.Zero;

    public DestinationCondition Condition => _backOff.Condition;

    public string? LastFailure => _backOff.LastFailure;

    /// <summary>Whether there may be leases that this activation does not know of.</summary>
    public bool IsTakingOver(TimeSpan now) => now < takenOverAt;

    /// <summary>Whether any silo may still use anything.</summary>
    public bool IsLeasing(TimeSpan now) => IsTakingOver(now) || _ledger.Silos.Any(lease => lease.Leased > 0 && lease.EndsAt > now);

    /// <summary>For the next activation; nothing is to be leased after it, and not while <see cref="IsTakingOver"/>.</summary>
    public SiteHandover Leave(TimeSpan now) => new(SiteHandover.Known, _ledger.Leave(now));

    /// <param name="now">After it was read.</param>
    public void Restore(SiteHandover left, TimeSpan now) => _ledger.Restore(left.Leases, now + Margin);

    /// <param name="confirmed">When the last look at the epoch began that found it in force.</param>
    public LeaseReply Renew(LeaseAsk ask, TimeSpan confirmed, TimeSpan now, DateTimeOffset utcNow)
    {
        Lapse(confirmed);
        var lease = _ledger.Find(ask.Silo);
        if (lease is not null && ask.Number <= lease.Number)
        {
            return new LeaseReply(LeaseStatus.Replaced, epoch);
        }

        var isTakingOver = IsTakingOver(now);
        if (isTakingOver && ask.Held > 0 && ask.Epoch != epoch)
        {
            return new LeaseReply(LeaseStatus.ClaimAgain, epoch);
        }

        var others = _ledger.LeasedToOthers(ask.Silo);
        var known = Math.Max(lease?.Leased ?? 0, isTakingOver ? limits.Connections - others : 0);
        var held = Math.Clamp(ask.Held, 0, known);
        lease = _ledger.Note(ask, held, now + options.Lease);
        var active = _ledger.InUse;
        var failure = Bounded(ask.LastFailure);
        _backOff.Note(ask.Successes, ask.Failures, failure, active, limits.Connections, now);
        _backOff.NoteProbe(ask.Silo, ask.Probe, failure, active, limits.Connections, now);

        var reply = isTakingOver
            ? Refuse(held, LeaseRefusal.TakingOver, takenOverAt - now, "connections of before a failover may still be in use")
            : Share(ask, held, others, now);
        lease.Leased = reply.Granted;
        if ((reply.Refusal == LeaseRefusal.AtLimit ? reply.Granted : reply.Target) >= ask.Wanted)
        {
            reply = reply with { Refusal = LeaseRefusal.None, Wait = TimeSpan.Zero, Reason = null };
        }

        reply = AddMessages(ask, reply, utcNow);
        if (reply.Granted == 0 && ask.Wanted <= 0)
        {
            _ledger.Remove(lease);
        }

        return reply;
    }

    public DestinationState Describe(string key, TimeSpan now, DateTimeOffset utcNow)
    {
        var condition = IsTakingOver(now) ? DestinationCondition.TakingOver : _backOff.Condition;
        return new DestinationState(
            key, condition, limits.Connections, Math.Min(limits.Connections, _backOff.Allowed), limits.MessagesPerConnection, limits.Messages, limits.Period,
            [.. _ledger.Silos.Where(lease => lease.EndsAt > now).Select(lease => new SiloShare(lease.Name, lease.Leased, lease.InUse, lease.Wanted))])
        {
            Until = condition == DestinationCondition.TakingOver ? utcNow + (takenOverAt - now) :
                condition == DestinationCondition.BackOff ? utcNow + (_backOff.Until - now) : null,
            LastFailure = _backOff.LastFailure,
            LastFailureAt = _backOff.LastFailureAt is { } at ? utcNow + (at - now) : null,
            MessagesGranted = Budget?.Granted(utcNow) ?? 0,
        };
    }

    private void Lapse(TimeSpan confirmed)
    {
        _ledger.Lapse(confirmed);
        if (_backOff.Prober is { } prober && _ledger.Find(prober) is null)
        {
            _backOff.Lost(confirmed);
        }
    }

    private LeaseReply Share(LeaseAsk ask, int held, int others, TimeSpan now)
    {
        if (_backOff.Condition is DestinationCondition.Open or DestinationCondition.SlowStart)
        {
            var capacity = Math.Min(limits.Connections, _backOff.Allowed);
            var target = _ledger.ShareOf(ask.Silo, capacity, now);
            return Leased(Math.Max(held, Math.Min(target, capacity - others))) with
            {
                Target = target,
                Refusal = LeaseRefusal.AtLimit,
                Wait = AtLimitWait,
                Reason = string.Create(CultureInfo.InvariantCulture, $"{capacity:N0} connections are in use, the most at a time"),
            };
        }

        // What works may go on; what has failed, or was never opened, is not opened now.
        var working = Math.Clamp(ask.InUse, 0, held);
        var isRoom = ask.Wanted > held && others + held < limits.Connections;
        if (isRoom && _backOff.TryProbe(ask.Silo, ask.IsUrgent, now))
        {
            return Refuse(held + 1, LeaseRefusal.Probing, ProbeWait, Failed("it is being tried")) with { Target = working + 1, IsProbe = true };
        }

        return _backOff.Condition == DestinationCondition.Probing || now >= _backOff.Until
            ? Refuse(held, LeaseRefusal.Probing, ProbeWait, Failed("it is being tried")) with { Target = working }
            : Refuse(held, LeaseRefusal.BackOff, _backOff.Until - now, Failed("it is left alone for a while")) with { Target = working };
    }

    private LeaseReply AddMessages(LeaseAsk ask, LeaseReply reply, DateTimeOffset utcNow)
    {
        if (Budget is null)
        {
            return reply;
        }

        Budget.GiveBack(ask.MessagesReturned, utcNow);
        var (messages, wait) = Budget.Take(ask.MessagesWanted, _ledger.Silos.Count(lease => lease.Wanted > 0), utcNow);
        return reply with { Messages = messages, MessagesLease = Budget.Lease, MessagesWait = wait };
    }

    private LeaseReply Leased(int granted) => new(LeaseStatus.Leased, epoch)
    {
        Granted = granted,
        Target = granted,
        Lease = options.Lease,
        MessagesPerConnection = limits.MessagesPerConnection,
    };

    private LeaseReply Refuse(int granted, LeaseRefusal refusal, TimeSpan wait, string reason) =>
        Leased(granted) with { Refusal = refusal, Wait = wait, Reason = reason };

    private string Failed(string what) => $"the site failed ({_backOff.LastFailure ?? "no reason known"}); {what}";

    private static string? Bounded(string? failure) =>
        failure?.Length > LeaseAsk.MaxFailureLength ? failure[..LeaseAsk.MaxFailureLength] : failure;
}
