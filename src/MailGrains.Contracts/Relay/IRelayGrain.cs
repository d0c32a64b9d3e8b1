using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;

namespace MailGrains.Contracts.Relay;

/// <summary>
/// Takes jobs for the sender of its silo, which owns the connections; a stateless worker on silos of the role <c>relay</c>, key 0. A call lasts no
/// longer than it takes to note the job: how it ended is reported to the queue.
/// </summary>
[Alias("mailgrains.IRelayGrain")]
public interface IRelayGrain : IGrainWithIntegerKey
{
    /// <summary>Takes the messages of a job in their order, as many as there is room for; those that are not taken may be given again later.</summary>
    [Alias("Take")]
    ValueTask<RelayTaken> TakeAsync(RelayJob job, CancellationToken cancellationToken);
}

/// <param name="Count">How many messages were taken, from the start of the job.</param>
/// <param name="Silo">Where they are: when it dies, how their attempts ended is not known.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RelayTaken")]
public readonly record struct RelayTaken([property: Id(0)] int Count, [property: Id(1)] SiloAddress Silo)
{
    /// <summary>Where not all were taken: how long to wait before the rest is given again. Zero: the sender does not say.</summary>
    [Id(2)]
    public TimeSpan Wait { get; init; }
}

/// <param name="Route">An operator's; null: as routes and DNS say.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RelayJob")]
public sealed record RelayJob(
    [property: Id(0)] QueueId Queue, [property: Id(1)] ImmutableArray<RelayMessage> Messages, [property: Id(2)] QueueRoute? Route)
{
    /// <summary>An operator wants it tried now: a site's back-off does not count.</summary>
    [Id(3)]
    public bool IsUrgent { get; init; }
}

/// <summary>One attempt to send a message to some of its recipients.</summary>
/// <param name="Attempt">The message's number of this attempt, from 1.</param>
/// <param name="Recipients">Indexes of the recipients that are left.</param>
/// <param name="IsUncertain">An earlier attempt may have been taken: the trace says so.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RelayMessage")]
public sealed record RelayMessage(
    [property: Id(0)] QueuedMessage Message, [property: Id(1)] int Attempt, [property: Id(2)] ImmutableArray<int> Recipients,
    [property: Id(3)] bool IsUncertain);

/// <summary>How one attempt ended.</summary>
/// <param name="Outcomes">Of every recipient of the attempt; empty with <see cref="RelayStatus.NotTried"/> and <see cref="RelayStatus.Held"/>.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RelayReport")]
public sealed record RelayReport(
    [property: Id(0)] EmailId Email, [property: Id(1)] int Attempt, [property: Id(2)] RelayStatus Status,
    [property: Id(3)] ImmutableArray<RecipientOutcome> Outcomes)
{
    /// <summary>The connection was lost after the end of the content was sent: it may have been taken.</summary>
    [Id(4)]
    public bool IsUncertain { get; init; }

    /// <summary>
    /// The site as a whole can't be used before this time (it does not answer, or is at its limits): the queue starts nothing until then. With
    /// <see cref="RelayStatus.Tried"/>: no connection could be opened. Null: goes on at once.
    /// </summary>
    [Id(5)]
    public DateTimeOffset? SiteUntil { get; init; }

    /// <summary>With <see cref="RelayStatus.NotTried"/>, <see cref="RelayStatus.Held"/>: why.</summary>
    [Id(6)]
    public string? Reason { get; init; }

    /// <summary>When the deferred recipients are to be tried again; null: as the queue's schedule says.</summary>
    [Id(7)]
    public DateTimeOffset? RetryAt { get; init; }
}

public enum RelayStatus
{
    /// <summary>The recipients' outcomes say how it went.</summary>
    Tried = 1,

    /// <summary>Nothing was tried: no connection was to be had before <see cref="RelayReport.SiteUntil"/>. It does not count as an attempt.</summary>
    NotTried = 2,

    /// <summary>A route keeps such mail until an operator releases it.</summary>
    Held = 3,
}

public enum OutcomeKind
{
    /// <summary>The next server has it, and will report as the sender wants.</summary>
    Relayed = 1,

    /// <summary>The next server has it, and can't report (no DSN): a wanted report of success is ours to make.</summary>
    RelayedWithoutDsn = 2,

    /// <summary>It is in a mailbox here.</summary>
    Delivered = 3,

    /// <summary>It may work later.</summary>
    Deferred = 4,

    /// <summary>It never will.</summary>
    Failed = 5,

    /// <summary>A route throws such mail away; nobody is told.</summary>
    Discarded = 6,
}

/// <param name="Recipient">The recipient's index.</param>
/// <param name="Code">The reply's code; 0 where there was none.</param>
/// <param name="Enhanced">Such as <c>5.1.1</c>; made of the code where the server gave none.</param>
/// <param name="Text">What the server said, or what went wrong, on one line, cleaned, at most <see cref="MaxTextLength"/> characters.</param>
/// <param name="Host">The server that answered, or was to; null where none was found.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.RecipientOutcome")]
public sealed record RecipientOutcome(
    [property: Id(0)] int Recipient, [property: Id(1)] OutcomeKind Kind, [property: Id(2)] int Code, [property: Id(3)] string Enhanced,
    [property: Id(4)] string Text, [property: Id(5)] string? Host)
{
    public const int MaxTextLength = 500;
}
