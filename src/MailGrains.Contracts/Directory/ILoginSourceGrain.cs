using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// The failed logins of one client address, whatever account they were for. Key: the address as in <see cref="LoginAttempt.Peer"/>. In memory only: a
/// silo that is lost forgives.
/// </summary>
[Alias("mailgrains.ILoginSourceGrain")]
public interface ILoginSourceGrain : IGrainWithStringKey
{
    /// <summary>Null: not locked.</summary>
    [Alias("LockedUntil"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<DateTimeOffset?> LockedUntilAsync(CancellationToken cancellationToken);

    [Alias("RecordFailure")]
    ValueTask RecordFailureAsync(CancellationToken cancellationToken);

    [Alias("GetState"), MayRepeat]
    ValueTask<LockoutState> GetStateAsync(CancellationToken cancellationToken);

    /// <summary>Forgets all failures.</summary>
    [Alias("Lift"), MayRepeat]
    ValueTask LiftAsync(CancellationToken cancellationToken);
}
