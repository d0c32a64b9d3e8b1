namespace MailGrains.Grains.Directory;

/// <summary>What failed logins lead to; immutable.</summary>
public sealed record LockoutOptions
{
    /// <summary>Failures are counted from the first for so long.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>So many failures lock an account.</summary>
    public int AccountFailures { get; init; } = 10;

    /// <summary>So many failures lock a client's address, whatever accounts they were for.</summary>
    public int SourceFailures { get; init; } = 100;

    /// <summary>How long the first time; twice as long each further time.</summary>
    public TimeSpan Lockout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The longest; without a lock-out for so long, the next is a first one.</summary>
    public TimeSpan MaxLockout { get; init; } = TimeSpan.FromHours(24);

    public int FirstDelayed { get; init; } = 3;

    /// <summary>What the client waits at the first failure that is delayed; twice as long each further time.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(0.5);

    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Addresses from which an account was opened; each has a count of its own.</summary>
    public int KnownPeers { get; init; } = 8;

    public int KnownPeerDays { get; init; } = 30;

    /// <summary>Names without an account that a silo counts failures for; when it has more, all are forgiven.</summary>
    public int UnknownAccounts { get; init; } = 20_000;
}
