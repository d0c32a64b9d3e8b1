using System.Collections.Immutable;
using MailGrains.Contracts.Calls;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Relay;

namespace MailGrains.Contracts.Queues;

/// <summary>What a tenant has to send to one domain. Key: <see cref="QueueId.ToString"/>. A queue needs no making: it is there when something is put into it.</summary>
[Alias("mailgrains.IDomainQueueGrain")]
public interface IDomainQueueGrain : IGrainWithStringKey
{
    /// <summary>Keeps a message; never throws for what an <see cref="EnqueueStatus"/> can say.</summary>
    [Alias("Enqueue"), MayRepeat]
    ValueTask<EnqueueResult> EnqueueAsync(QueuedMessage message, CancellationToken cancellationToken);

    /// <summary>
    /// Asked by a sender before the end of the content: is this attempt still the message's latest, so that nobody else sends it? Who is told yes has it, and
    /// no other silo will be. False also where that can't be told now.
    /// </summary>
    /// <param name="sender">The silo that asks: when it dies, how the attempt ended is not known.</param>
    [Alias("Claim"), Orleans.Concurrency.AlwaysInterleave]
    ValueTask<bool> ClaimAsync(EmailId email, int attempt, SiloAddress sender, CancellationToken cancellationToken);

    /// <summary>How attempts ended. When it returns, the outcomes are committed; a report of an attempt that is not the latest is ignored.</summary>
    /// <exception cref="StoreUnavailableException">Nothing is certain: report again.</exception>
    [Alias("Report")]
    ValueTask ReportAsync(ImmutableArray<RelayReport> reports, CancellationToken cancellationToken);

    /// <exception cref="StoreUnavailableException">The queue can't be read now.</exception>
    [Alias("GetOverview"), MayRepeat]
    ValueTask<QueueOverview> GetOverviewAsync(CancellationToken cancellationToken);

    /// <summary>Messages in the order of their arrival, after <paramref name="after"/> (exclusive), at most <see cref="QueuePage.MaxLimit"/>.</summary>
    /// <exception cref="StoreUnavailableException">The queue can't be read now.</exception>
    [Alias("List"), MayRepeat]
    ValueTask<QueuePage> ListAsync(EmailId? after, int limit, CancellationToken cancellationToken);

    /// <summary>Carries out an operator's order.</summary>
    /// <returns>How many messages it met; for an order on the whole queue, all of them. A message under way is not dropped.</returns>
    /// <exception cref="StoreUnavailableException">It may or may not have been carried out; it can be repeated.</exception>
    [Alias("Order"), ResponseTimeout("00:02:00")]
    ValueTask<int> OrderAsync(QueueOrder order, CancellationToken cancellationToken);

    /// <summary>Looks what is due and starts it; ETRN (RFC 1985) asks so. Returns at once.</summary>
    /// <returns>How many messages wait.</returns>
    /// <exception cref="StoreUnavailableException">The queue can't be read now.</exception>
    [Alias("Wake"), MayRepeat]
    ValueTask<int> WakeAsync(CancellationToken cancellationToken);
}

/// <param name="Oldest">When the oldest message was received; null for an empty queue.</param>
/// <param name="NextAttempt">Null when nothing waits for a time (empty, suspended, all held, or all under way).</param>
/// <param name="LastReply">What the last attempt that failed was told.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueOverview")]
public sealed record QueueOverview(
    [property: Id(0)] QueueId Queue, [property: Id(1)] int Messages, [property: Id(2)] int Held, [property: Id(3)] int InProgress,
    [property: Id(4)] DateTimeOffset? Oldest, [property: Id(5)] DateTimeOffset? NextAttempt, [property: Id(6)] string? LastReply)
{
    [Id(7)]
    public QueueMark? Suspended { get; init; }

    /// <summary>Where an operator sends the queue instead.</summary>
    [Id(8)]
    public QueueRoute? Route { get; init; }

    /// <summary>When it was so.</summary>
    [Id(9)]
    public DateTimeOffset AsOf { get; init; }

    /// <summary>As <see cref="Oldest"/>, of those that are neither held nor to be sent at a later time only: what should have gone.</summary>
    [Id(10)]
    public DateTimeOffset? OldestPending { get; init; }

    /// <summary>The shards of one queue as one, which has the id of the first.</summary>
    /// <param name="shards">At least one.</param>
    public static QueueOverview Sum(IReadOnlyList<QueueOverview> shards) => new(
        shards[0].Queue, shards.Sum(s => s.Messages), shards.Sum(s => s.Held), shards.Sum(s => s.InProgress), shards.Min(s => s.Oldest),
        shards.Min(s => s.NextAttempt), shards.Select(s => s.LastReply).FirstOrDefault(reply => reply is not null))
    {
        Suspended = shards.Select(s => s.Suspended).FirstOrDefault(mark => mark is not null),
        Route = shards.Select(s => s.Route).FirstOrDefault(route => route is not null),
        AsOf = shards.Min(s => s.AsOf),
        OldestPending = shards.Min(s => s.OldestPending),
    };
}

/// <summary>Who ordered something, why, and until when.</summary>
/// <param name="Until">Null: until it is lifted.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueMark")]
public sealed record QueueMark([property: Id(0)] string By, [property: Id(1)] string Reason, [property: Id(2)] DateTimeOffset? Until)
{
    public const int MaxByLength = 100;
    public const int MaxReasonLength = 500;
}

/// <param name="Host">A name or an address literal.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueRoute")]
public sealed record QueueRoute([property: Id(0)] string Host, [property: Id(1)] int Port, [property: Id(2)] QueueMark Mark);

/// <param name="Next">Pass as "after" for the next page; null at the end.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueuePage")]
public sealed record QueuePage([property: Id(0)] ImmutableArray<QueuedEntry> Messages, [property: Id(1)] EmailId? Next)
{
    public const int MaxLimit = 500;
}

/// <summary>A waiting message, for operators.</summary>
/// <param name="Recipients">Those that wait.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueuedEntry")]
public sealed record QueuedEntry(
    [property: Id(0)] EmailId Email, [property: Id(1)] string TraceId, [property: Id(2)] string ReversePath,
    [property: Id(3)] ImmutableArray<string> Recipients, [property: Id(4)] long Bytes, [property: Id(5)] DateTimeOffset ReceivedAt,
    [property: Id(6)] DateTimeOffset NextAttempt, [property: Id(7)] DateTimeOffset Expires, [property: Id(8)] int Attempts,
    [property: Id(9)] QueuedEntryState State, [property: Id(10)] string? LastReply)
{
    [Id(11)]
    public string? Submitter { get; init; }

    /// <summary>Who holds it, when an operator does.</summary>
    [Id(12)]
    public QueueMark? Hold { get; init; }
}

public enum QueuedEntryState
{
    Waiting = 0,
    InProgress = 1,
    Held = 2,

    /// <summary>Ended; what is left is to tell its sender.</summary>
    Reporting = 3,
}

public enum QueueOrderKind
{
    /// <summary>Nothing is started until <see cref="Resume"/>, or until the mark ends.</summary>
    Suspend = 1,
    Resume = 2,

    /// <summary>All that waits is due now, whatever back-off there is.</summary>
    Retry = 3,

    /// <summary>Ends messages without another attempt; see <see cref="QueueOrder.TellsSender"/>.</summary>
    Drop = 4,

    /// <summary>Sends the queue elsewhere until the route's mark ends; without a route: as usual again.</summary>
    Route = 5,

    /// <summary>Keeps messages from being started, one by one, until <see cref="Release"/>, or until the mark ends.</summary>
    Hold = 6,
    Release = 7,
}

/// <param name="Mark">Who, why, until when.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueOrder")]
public sealed record QueueOrder([property: Id(0)] QueueOrderKind Kind, [property: Id(1)] QueueMark Mark)
{
    /// <summary>For retry, drop, hold and release: these messages only; empty: all.</summary>
    [Id(2)]
    public ImmutableArray<EmailId> Messages { get; init; } = [];

    /// <summary>For retry, drop, hold and release: messages of this reverse-path (empty: the null reverse-path), or of <c>*@domain</c>, only; null: of all.</summary>
    [Id(3)]
    public string? Sender { get; init; }

    /// <summary>For drop: the sender gets a delivery report.</summary>
    [Id(4)]
    public bool TellsSender { get; init; }

    /// <summary>For route.</summary>
    [Id(5)]
    public QueueRoute? Route { get; init; }
}
