using MailGrains.Contracts.Directory;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Grains.Directory;

/// <summary>Counts the failed logins of one client's address in memory, for as long as its window and its lock-out last.</summary>
[CollectionAgeLimit(Minutes = 16)]
public sealed class LoginSourceGrain : Grain, ILoginSourceGrain
{
    private readonly LockoutOptions _options;
    private readonly TimeProvider _time;
    private readonly BriefStay _stay;
    private LoginFailures _failures = LoginFailures.None;

    public LoginSourceGrain(LockoutOptions options, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time)
    {
        // Always the first length: it is one of many who may share an address.
        (_options, _time) = (options with { MaxLockout = options.Lockout }, time);
        _stay = new BriefStay(this);
    }

    public ValueTask<DateTimeOffset?> LockedUntilAsync(CancellationToken cancellationToken)
    {
        StayWhileCounting();
        return new(_failures.IsLocked(_time.GetUtcNow()) ? _failures.LockedUntil : null);
    }

    public ValueTask RecordFailureAsync(CancellationToken cancellationToken)
    {
        _failures = _failures.Fail(_time.GetUtcNow(), this.GetPrimaryKeyString(), _options.SourceFailures, _options);
        StayWhileCounting();
        return default;
    }

    public ValueTask<LockoutState> GetStateAsync(CancellationToken cancellationToken)
    {
        StayWhileCounting();
        return new(_failures.Describe(_time.GetUtcNow(), _options, "of this address"));
    }

    public ValueTask LiftAsync(CancellationToken cancellationToken)
    {
        _failures = LoginFailures.None;
        StayWhileCounting();
        return default;
    }

    private void StayWhileCounting()
    {
        if (_failures.CountAt(_time.GetUtcNow(), _options) == 0)
        {
            _stay.Renew();
        }
        else
        {
            _stay.End();
        }
    }
}
