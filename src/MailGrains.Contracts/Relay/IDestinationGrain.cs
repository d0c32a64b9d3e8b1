using System.Collections.Immutable;
using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Relay;

/// <summary>
/// What the whole cluster may do at one MX site: connections, messages, back-off. Key: <see cref="DestinationKey.ToString"/>. Connections are leased to
/// silos; what is leased lies in memory, and no activation leases anything while leases of one before it may be in use.
/// </summary>
[Alias("mailgrains.IDestinationGrain")]
public interface IDestinationGrain : IGrainWithStringKey
{
    /// <summary>
    /// Renews what a silo uses, gives it more where it wants more, takes back what it does not claim, and hears how its connections went. A silo has
    /// one such call under way at a time.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing was renewed.</exception>
    [Alias("Renew"), ResponseTimeout("00:00:04")]
    ValueTask<LeaseReply> RenewAsync(LeaseAsk ask, CancellationToken cancellationToken);

    /// <summary>For operators; changes nothing.</summary>
    [Alias("GetState"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<DestinationState> GetStateAsync(CancellationToken cancellationToken);
}

/// <param name="Silo">Made at each start of a silo.</param>
/// <param name="SiloName">For operators.</param>
/// <param name="Number">Greater with each ask of this silo about this site: one that was overtaken counts no more.</param>
/// <param name="Epoch">Of the last reply that the silo has; empty: none.</param>
/// <param name="Held">
/// Connections of its lease that the silo keeps using, whatever becomes of this ask; what it held beyond them it gives back herewith.
/// </param>
/// <param name="InUse">Connections that there are, those excepted that have failed and are being closed; at most <paramref name="Held"/>.</param>
/// <param name="Wanted">Connections that it could use, those in use included.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.LeaseAsk")]
public sealed record LeaseAsk(
    [property: Id(0)] Guid Silo, [property: Id(1)] string SiloName, [property: Id(2)] long Number, [property: Id(3)] Guid Epoch,
    [property: Id(4)] int Held, [property: Id(5)] int InUse, [property: Id(6)] int Wanted)
{
    /// <summary>An operator wants it tried now: the next connection may be the probe before the back-off is over.</summary>
    [Id(7)]
    public bool IsUrgent { get; init; }

    /// <summary>Connections that were opened since the last ask, the probe excepted.</summary>
    [Id(8)]
    public int Successes { get; init; }

    /// <summary>Connections that could not be opened, or that the server ended with 421, since the last ask; the probe excepted.</summary>
    [Id(9)]
    public int Failures { get; init; }

    /// <summary>What the last failure was, on one line, at most <see cref="MaxFailureLength"/> characters.</summary>
    [Id(10)]
    public string? LastFailure { get; init; }

    /// <summary>What became of the probe that this silo was given.</summary>
    [Id(11)]
    public ProbeState Probe { get; init; }

    /// <summary>Messages that it could send now; counts only where a site limits messages.</summary>
    [Id(12)]
    public int MessagesWanted { get; init; }

    /// <summary>Messages that it was granted and did not send.</summary>
    [Id(13)]
    public int MessagesReturned { get; init; }

    public const int MaxFailureLength = 300;
}

public enum ProbeState
{
    /// <summary>It has none.</summary>
    None = 0,

    /// <summary>It is being made.</summary>
    Running = 1,
    Succeeded = 2,
    Failed = 3,
}

public enum LeaseStatus
{
    /// <summary>The silo has <see cref="LeaseReply.Granted"/> connections, no more, for <see cref="LeaseReply.Lease"/> from when it asked.</summary>
    Leased = 1,

    /// <summary>Nothing has changed. The grain was activated anew: the silo is to ask again at once, with the new epoch.</summary>
    ClaimAgain = 2,

    /// <summary>Nothing has changed. This activation has been replaced: the silo is to ask again in a moment.</summary>
    Replaced = 3,
}

public enum LeaseRefusal
{
    /// <summary>All that was wanted was given.</summary>
    None = 0,

    /// <summary>All connections are in use.</summary>
    AtLimit = 1,

    /// <summary>The site has failed.</summary>
    BackOff = 2,

    /// <summary>The site has failed, and one connection tries it.</summary>
    Probing = 3,

    /// <summary>Leases of an activation before this one may be in use.</summary>
    TakingOver = 4,
}

/// <param name="Epoch">The activation that answers.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.LeaseReply")]
public sealed record LeaseReply([property: Id(0)] LeaseStatus Status, [property: Id(1)] Guid Epoch)
{
    /// <summary>Connections that the silo may have.</summary>
    [Id(2)]
    public int Granted { get; init; }

    /// <summary>Its fair share: where it is less than <see cref="Granted"/>, the silo gives the difference back as its messages end.</summary>
    [Id(3)]
    public int Target { get; init; }

    [Id(4)]
    public TimeSpan Lease { get; init; }

    /// <summary>Why there is not as much as was wanted.</summary>
    [Id(5)]
    public LeaseRefusal Refusal { get; init; }

    /// <summary>After this time it makes sense to ask for more; with <see cref="LeaseRefusal.None"/> zero.</summary>
    [Id(6)]
    public TimeSpan Wait { get; init; }

    /// <summary>With a refusal: what an operator reads.</summary>
    [Id(7)]
    public string? Reason { get; init; }

    /// <summary>The connection that came with this reply is the cluster's one probe.</summary>
    [Id(8)]
    public bool IsProbe { get; init; }

    [Id(9)]
    public int MessagesPerConnection { get; init; }

    /// <summary>Messages that may be sent, beside those that were granted before.</summary>
    [Id(10)]
    public int Messages { get; init; }

    /// <summary>For how long from the ask <see cref="Messages"/> may be used; zero: the site's messages are not limited.</summary>
    [Id(11)]
    public TimeSpan MessagesLease { get; init; }

    /// <summary>Where none were granted: when there are some again.</summary>
    [Id(12)]
    public TimeSpan MessagesWait { get; init; }
}

public enum DestinationCondition
{
    Open = 0,

    /// <summary>It has failed and works again: connections grow from one.</summary>
    SlowStart = 1,

    /// <summary>No new connection until <see cref="DestinationState.Until"/>; then one tries.</summary>
    BackOff = 2,

    /// <summary>One connection tries.</summary>
    Probing = 3,

    /// <summary>No new connection until <see cref="DestinationState.Until"/>, since an activation before this one may have leased them.</summary>
    TakingOver = 4,
}

/// <summary>A site, for operators.</summary>
/// <param name="Connections">The most at a time.</param>
/// <param name="Allowed">The most now: less than <paramref name="Connections"/> when the site fails, or has failed.</param>
/// <param name="Messages">The most in any <paramref name="Period"/>; 0: not limited.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.DestinationState")]
public sealed record DestinationState(
    [property: Id(0)] string Key, [property: Id(1)] DestinationCondition Condition, [property: Id(2)] int Connections,
    [property: Id(3)] int Allowed, [property: Id(4)] int MessagesPerConnection, [property: Id(5)] int Messages,
    [property: Id(6)] TimeSpan Period, [property: Id(7)] ImmutableArray<SiloShare> Silos)
{
    [Id(8)]
    public DateTimeOffset? Until { get; init; }

    [Id(9)]
    public string? LastFailure { get; init; }

    [Id(10)]
    public DateTimeOffset? LastFailureAt { get; init; }

    /// <summary>Granted in the last <see cref="Period"/>, where messages are limited.</summary>
    [Id(11)]
    public long MessagesGranted { get; init; }
}

/// <param name="Leased">Connections that it may have.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.SiloShare")]
public sealed record SiloShare(
    [property: Id(0)] string Silo, [property: Id(1)] int Leased, [property: Id(2)] int InUse, [property: Id(3)] int Wanted);
