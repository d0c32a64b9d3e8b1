using System.Globalization;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>One count of failed logins.</summary>
/// <param name="Since">The first failure of the window.</param>
/// <param name="Lockouts">So many in a row.</param>
/// <param name="LockedUntil">When the last lock-out ends or ended.</param>
internal sealed record LoginFailures(int Count, DateTimeOffset Since, int Lockouts, DateTimeOffset? LockedUntil, string? LastPeer)
{
    public static LoginFailures None { get; } = new(0, default, 0, null, null);

    public bool IsLocked(DateTimeOffset now) => LockedUntil > now;

    public LoginFailures Fail(DateTimeOffset now, string peer, int max, LockoutOptions options)
    {
        if (IsLocked(now))
        {
            return this;
        }

        // What a lock-out has punished is not counted again.
        var (count, since) = CountAt(now, options) is > 0 and var before ? (before + 1, Since) : (1, now);
        var lockouts = LockedUntil is { } end && now - end > options.MaxLockout ? 0 : Lockouts;
        if (count < max)
        {
            return this with { Count = count, Since = since, Lockouts = lockouts, LastPeer = peer };
        }

        var factor = Math.Pow(2, Math.Min(lockouts, 30));
        var length = options.Lockout * factor < options.MaxLockout ? options.Lockout * factor : options.MaxLockout;
        return new LoginFailures(count, since, lockouts + 1, now + length, peer);
    }

    /// <summary>Failures of the present window.</summary>
    public int CountAt(DateTimeOffset now, LockoutOptions options) =>
        IsLocked(now) || (now - Since < options.Window && !(LockedUntil > Since)) ? Count : 0;

    /// <summary>How long the answer to the last failure is to wait.</summary>
    public TimeSpan Delay(LockoutOptions options)
    {
        if (Count < options.FirstDelayed)
        {
            return TimeSpan.Zero;
        }

        var delay = options.Delay * Math.Pow(2, Math.Min(Count - options.FirstDelayed, 30));
        return delay < options.MaxDelay ? delay : options.MaxDelay;
    }

    public LockoutState Describe(DateTimeOffset now, LockoutOptions options, string whose)
    {
        var count = CountAt(now, options);
        return IsLocked(now)
            ? new LockoutState(
                count, LockedUntil, LastPeer,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{count} logins {whose} failed within {options.Window.TotalMinutes} minutes, the last from {LastPeer}; locked until {LockedUntil:u}."))
            : new LockoutState(count, null, count == 0 ? null : LastPeer, null);
    }
}
