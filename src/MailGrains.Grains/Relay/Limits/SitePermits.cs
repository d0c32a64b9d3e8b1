using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// One silo's connections to one site: who has one, who waits for one, and the lease that they are of. Asks the grain when somebody wants more than
/// there is, every <see cref="DestinationOptions.RenewEvery"/> while anything is used or wanted, and once more to give all back; then it is closed and no
/// timer runs. Thread-safe; one ask at a time.
/// </summary>
internal sealed class SitePermits
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly DestinationKey _key;
    private readonly SiteLink _link;
    private readonly DestinationOptions _options;
    private readonly HeldLease _lease;
    private readonly MessageTokens _tokens = new();
    private readonly SiteReports _reports = new();
    private readonly WaitingCallers _waiting = new();
    private readonly HashSet<ConnectionPermit> _permits = [];
    private readonly ITimer _timer;
    private int _messagesPerConnection = int.MaxValue;
    private int _yielding;
    private int _failed;
    private int _claims;
    private bool _isAsking;
    private bool _isTellingFailure;
    private bool _isProbeNext;
    private TimeSpan _nextAsk = TimeSpan.MaxValue;
    private TimeSpan _notBefore;

    public SitePermits(DestinationKey key, SiteLink link)
    {
        (_key, _link, _options) = (key, link, link.Options);
        _lease = new HeldLease(link.Silo, link.SiloName, link.Options, link.Time.GetTimestamp());
        // What a timer does is nobody's call: it takes no context of the first caller along.
        using (ExecutionContext.IsFlowSuppressed() ? default(IDisposable) : ExecutionContext.SuppressFlow())
        {
            _timer = link.Time.CreateTimer(static site => ((SitePermits)site!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Nothing is used or wanted any more; what is asked of it now is asked in vain.</summary>
    public bool IsClosed { get; private set; }

    private TimeSpan Now => _link.Now;

    /// <summary>Whether a caller would not have to wait, and how many there are before it.</summary>
    public (bool IsFree, int Waiting) Load()
    {
        lock (_gate)
        {
            return (_lease.CanTake(Now), _waiting.Permits);
        }
    }

    /// <returns>Null: this is closed.</returns>
    public ValueTask<PermitResult>? Acquire(bool isUrgent, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (IsClosed)
            {
                return null;
            }

            if (_waiting.Permits == 0 && TryTake() is { } permit)
            {
                return new(new PermitResult(permit, default, null));
            }

            if (_waiting.Permits >= _options.MaxWaiting)
            {
                return new(_link.NotYet(_options.RenewEvery, "too many wait for the site"));
            }

            var waiter = _waiting.AddPermit(isUrgent, Now + _options.MaxWait);
            AskBy(_notBefore);
            return new(_waiting.WaitAsync(waiter, _gate, cancellationToken));
        }
    }

    public bool MayStartMessage(ConnectionPermit permit)
    {
        lock (_gate)
        {
            return MayStart(permit);
        }
    }

    public ValueTask<MessageTurn> TakeMessageAsync(ConnectionPermit permit, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!MayStart(permit))
            {
                return new(new MessageTurn(MessageTurnKind.Close, default, null));
            }

            if (_waiting.Messages == 0 && _tokens.TryTake(Now))
            {
                permit.Progress.Messages++;
                return new(new MessageTurn(MessageTurnKind.Send, default, null));
            }

            var waiter = _waiting.AddMessage(permit, Now + _options.MaxWait);
            AskBy(_notBefore);
            return new(_waiting.WaitAsync(waiter, _gate, cancellationToken));
        }
    }

    /// <param name="failure">Null: it went well.</param>
    public void Report(ConnectionPermit permit, string? failure)
    {
        lock (_gate)
        {
            if (permit.Progress.IsOver || (failure is null && permit.Progress.IsReported))
            {
                return;
            }

            _reports.Add(permit, failure);
            permit.Progress.IsReported = true;
            if (failure is not null && !permit.Progress.HasFailed)
            {
                permit.Progress.HasFailed = true;
                _failed++;
            }

            // The cluster waits for what becomes of a probe, should stop at a failure, and where somebody waits a success may let him in.
            if (failure is not null || permit.IsProbe || _waiting.Permits > 0)
            {
                AskBy(TimeSpan.Zero);
            }
        }
    }

    public void Return(ConnectionPermit permit)
    {
        lock (_gate)
        {
            var progress = permit.Progress;
            if (progress.IsReturned || IsClosed)
            {
                return;
            }

            var isAwaited = _lease.Excess > 0 || permit.IsProbe;
            _lease.Return(wasEnded: progress.IsOver);
            progress.IsReturned = true;
            Forget(permit);
            Serve();
            AskBy(isAwaited ? TimeSpan.Zero : TimeSpan.MaxValue);
        }
    }

    /// <summary>Ends all connections and gives all back.</summary>
    public async Task CloseAsync()
    {
        LeaseAsk? ask = null;
        lock (_gate)
        {
            if (!IsClosed)
            {
                _waiting.RefuseAll(_link.NotYet(RetryAfter, "shutting down"));
                EndPermits(_permits.Count);
                ask = Ask();
                Close();
            }
        }

        if (ask is not null)
        {
            await _link.RenewAsync(_key, ask);
        }
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (!IsClosed)
            {
                EndOver();
                _waiting.RefuseLate(Now, AtLimit);
                Schedule();
            }
        }
    }

    /// <summary>An ask is due at a time, or before.</summary>
    private void AskBy(TimeSpan time)
    {
        _nextAsk = time < _nextAsk ? time : _nextAsk;
        Schedule();
    }

    /// <summary>Starts an ask that is due, closes where there is nothing to do, and sets the timer.</summary>
    private void Schedule()
    {
        var now = Now;
        if (!_isAsking && now >= _nextAsk)
        {
            (_isAsking, _nextAsk) = (true, TimeSpan.MaxValue);
            ThreadPool.UnsafeQueueUserWorkItem(static site => _ = site.AskAsync(), this, preferLocal: false);
        }
        else if (!_isAsking && _lease is { InUse: 0, Granted: 0 } && _waiting.IsEmpty && _reports.IsEmpty)
        {
            Close();
            return;
        }

        var next = _isAsking ? TimeSpan.MaxValue : _nextAsk;
        next = _permits.Count > 0 && _lease.EndsAt < next ? _lease.EndsAt : next;
        next = _waiting.Deadline < next ? _waiting.Deadline : next;
        _timer.Change(next == TimeSpan.MaxValue ? Timeout.InfiniteTimeSpan : InTime(next - now), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Timers know milliseconds; one that fires before its time would do nothing.</summary>
    private static TimeSpan InTime(TimeSpan wait) => TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(wait.TotalMilliseconds)));

    private void Close()
    {
        IsClosed = true;
        _timer.Dispose();
        _link.Forget(_key, this);
    }

    private async Task AskAsync()
    {
        LeaseAsk ask;
        TimeSpan askedAt;
        lock (_gate)
        {
            if (IsClosed)
            {
                return;
            }

            EndOver();
            askedAt = Now;
            _isTellingFailure = _reports.HasFailure;
            ask = Ask();
        }

        var reply = await _link.RenewAsync(_key, ask);
        lock (_gate)
        {
            _isAsking = _isTellingFailure = false;
            if (!IsClosed)
            {
                Answered(ask, reply, askedAt);
                Schedule();
            }
        }
    }

    private LeaseAsk Ask()
    {
        var ask = _reports.AddTo(_lease.Ask(_waiting.Permits, _failed, Now));
        _isProbeNext = false;
        return _tokens.AddTo(ask, _waiting.Messages + _lease.InUse + _waiting.Permits, Now) with { IsUrgent = _waiting.IsAnyUrgent };
    }

    private void Answered(LeaseAsk ask, LeaseReply? reply, TimeSpan askedAt)
    {
        var now = Now;
        _claims = reply?.Status == LeaseStatus.ClaimAgain ? _claims + 1 : 0;
        _notBefore = now + RetryAfter;
        if (reply is null || reply.Status == LeaseStatus.Replaced || _claims > 3)
        {
            _nextAsk = _notBefore;
            return;
        }

        EndPermits(_lease.Answered(reply, askedAt, now));
        if (reply.Status == LeaseStatus.ClaimAgain)
        {
            _nextAsk = _notBefore = now;
            return;
        }

        (_messagesPerConnection, _isProbeNext) = (reply.MessagesPerConnection, reply.IsProbe);
        _tokens.Answered(reply, askedAt);
        Serve();
        ServeMessages(reply, now);
        if (reply.Refusal is LeaseRefusal.None or LeaseRefusal.AtLimit)
        {
            // Others came meanwhile, or all is in use.
            _notBefore = reply.Refusal == LeaseRefusal.None ? now : now + reply.Wait;
        }
        else
        {
            _waiting.RefusePermits(_link.NotYet(reply.Wait, reply.Reason ?? "the site can't be used"));
            _notBefore = now;
        }

        var isWaiting = _waiting.Permits > 0 || (_waiting.Messages > 0 && reply.MessagesWait == TimeSpan.Zero);
        var next = isWaiting ? _notBefore : _waiting.Messages > 0 ? now + reply.MessagesWait : now + _options.RenewEvery;
        _nextAsk = next < _nextAsk ? next : _nextAsk;
    }

    /// <summary>Gives what there is to those who wait.</summary>
    private void Serve()
    {
        while (_waiting.Permits > 0 && TryTake() is { } permit)
        {
            _waiting.ServePermit(permit);
        }
    }

    private void ServeMessages(LeaseReply reply, TimeSpan now)
    {
        while (_waiting.NextMessage is { } permit)
        {
            if (!MayStart(permit))
            {
                _waiting.ServeMessage(new MessageTurn(MessageTurnKind.Close, default, null));
            }
            else if (_tokens.TryTake(now))
            {
                permit.Progress.Messages++;
                _waiting.ServeMessage(new MessageTurn(MessageTurnKind.Send, default, null));
            }
            else if (reply.MessagesWait > _options.MaxWait)
            {
                var late = _link.NotYet(reply.MessagesWait, "the site has had its messages for now");
                _waiting.ServeMessage(new MessageTurn(MessageTurnKind.Wait, late.NotBefore, late.Reason));
            }
            else
            {
                break;
            }
        }
    }

    /// <summary>While the grain has not heard of a failure, what it granted before counts for no new connection.</summary>
    private ConnectionPermit? TryTake()
    {
        if (_reports.HasFailure || _isTellingFailure || !_lease.TryTake(Now))
        {
            return null;
        }

        var permit = new ConnectionPermit(this, _key, _isProbeNext);
        if (_isProbeNext)
        {
            _isProbeNext = false;
            _reports.ProbeStarts(permit);
        }

        _permits.Add(permit);
        return permit;
    }

    private bool MayStart(ConnectionPermit permit)
    {
        var progress = permit.Progress;
        if (progress is { IsYielding: false, IsOver: false, HasFailed: false } && _lease.Excess - _failed > _yielding)
        {
            progress.IsYielding = true;
            _yielding++;
        }

        return progress is { IsYielding: false, IsOver: false, HasFailed: false } && progress.Messages < _messagesPerConnection && !_lease.IsOver(Now);
    }

    private void EndOver()
    {
        if (_permits.Count > 0 && _lease.IsOver(Now))
        {
            EndPermits(_permits.Count);
        }
    }

    private void EndPermits(int count)
    {
        foreach (var permit in _permits.Take(count).ToArray())
        {
            Forget(permit);
            permit.End();
        }

        _lease.End(count);
        _waiting.CloseOver();
    }

    private void Forget(ConnectionPermit permit)
    {
        if (!_permits.Remove(permit))
        {
            return;
        }

        _reports.Ended(permit);
        permit.Progress.IsOver = true;
        _yielding -= permit.Progress.IsYielding ? 1 : 0;
        _failed -= permit.Progress.HasFailed ? 1 : 0;
    }

    private PermitResult AtLimit() => _link.NotYet(
        _options.RenewEvery,
        _isAsking || !_lease.IsOver(Now) ? "all connections to the site are in use" : "the limits of the site are not known now");
}
