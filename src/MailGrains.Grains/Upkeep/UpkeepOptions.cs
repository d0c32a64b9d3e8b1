namespace MailGrains.Grains.Upkeep;

/// <summary>How often and how much; immutable.</summary>
public sealed record UpkeepOptions
{
    /// <summary>Between two runs; at least an hour, since a run lists much.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a run may go on waking mailboxes; what is left waits for the next.</summary>
    public TimeSpan MaxPurging { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Mailboxes that purge at the same time.</summary>
    public int Parallelism { get; init; } = 8;

    /// <summary>Bodies are swept once in this time, in the run that is due then.</summary>
    public TimeSpan SweepPeriod { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Once in this time that sweep looks at all bodies, however old: a point read or two for each.</summary>
    public TimeSpan WholeSweepPeriod { get; init; } = TimeSpan.FromDays(30);
}
