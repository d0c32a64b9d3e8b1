namespace MailGrains.Grains.Queues;

/// <summary>Times and bounds of every queue; immutable.</summary>
public sealed record QueueOptions
{
    /// <summary>How long after each attempt that failed the next one comes; after the last of these it repeats.</summary>
    public IReadOnlyList<TimeSpan> RetryAfter { get; init; } =
    [
        TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1),
        TimeSpan.FromHours(2), TimeSpan.FromHours(4),
    ];

    /// <summary>Each time is moved by up to this share of it, earlier or later, so that what failed together does not come back together.</summary>
    public double Jitter { get; init; } = 0.1;

    /// <summary>How long a message waits before it is returned.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromDays(5);

    /// <summary>How long a message without a sender (a report) waits before it is given up.</summary>
    public TimeSpan MaxReportAge { get; init; } = TimeSpan.FromDays(5);

    /// <summary>When its sender hears that a message waits.</summary>
    public TimeSpan DelayNoticeAfter { get; init; } = TimeSpan.FromHours(4);

    /// <summary>How long a message waits before operators are told that its queue ages.</summary>
    public TimeSpan AlarmAge { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Messages that a queue (a shard) keeps; one more is refused (452).</summary>
    public int MaxMessages { get; init; } = 200_000;

    public const int MaxShards = 1_024;

    /// <summary>Into how many queues a tenant's mail for one domain is spread; only ever raised.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Messages that are under way at once.</summary>
    public int MaxInProgress { get; init; } = 500;

    /// <summary>Messages of one job.</summary>
    public int JobMessages { get; init; } = 50;

    /// <summary>Inline octets of one job.</summary>
    public int JobBytes { get; init; } = 512 * 1024;

    /// <summary>How long a new activation leaves attempts alone that an earlier one began, while their sender may still report.</summary>
    public TimeSpan ReportGrace { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long after the last commit of its own an activation may still say that an attempt is its; less than <see cref="ReportGrace"/>.</summary>
    public TimeSpan OwnershipTime { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>The period of the reminder: the safety net after a crash.</summary>
    public TimeSpan ReminderPeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A queue with nothing to do for this long leaves memory; its reminder is set to its next time.</summary>
    public TimeSpan ParkAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long an empty queue keeps its reminder, since the next message is often near.</summary>
    public TimeSpan EmptyLinger { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often an attempt under way on another silo is looked after.</summary>
    public TimeSpan LookAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How soon a job is offered again where no sender had room.</summary>
    public TimeSpan BusyPause { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The most that this grows to where no sender can be asked.</summary>
    public TimeSpan MaxBusyPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How soon a report that could not be sent to a message's sender is tried again.</summary>
    public TimeSpan NoticeRetry { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>When the next attempt comes.</summary>
    /// <param name="tries">Attempts that failed so far, from 1.</param>
    /// <param name="random">0 to 1.</param>
    public TimeSpan RetryIn(int tries, double random)
    {
        var after = RetryAfter[Math.Clamp(tries, 1, RetryAfter.Count) - 1];
        return after * (1 + (Jitter * ((2 * random) - 1)));
    }
}
