namespace MailGrains.Storage.Journals;

/// <summary>Bounds and times of every journal; immutable.</summary>
public sealed record JournalOptions
{
    /// <summary>How long journal rows, and the snapshot before them, are kept behind the newest snapshot.</summary>
    public TimeSpan UndoWindow { get; init; } = TimeSpan.FromDays(30);

    /// <summary>A snapshot is written when the journal behind it has this many commits …</summary>
    public int SnapshotAfterCommits { get; init; } = 1_000;

    /// <summary>… or this many bytes of events.</summary>
    public int SnapshotAfterBytes { get; init; } = 1024 * 1024;

    /// <summary>How long a commit of unknown outcome is repeated before the journal is lost.</summary>
    public TimeSpan UnknownOutcomeTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long one try of a commit may take before its outcome counts as unknown.</summary>
    public TimeSpan TryTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The wait before a commit of unknown outcome is first repeated; it doubles up to <see cref="MaxBackOff"/>.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Calls that may wait; one more is refused at once with <see cref="StoreFailure.Unavailable"/>.</summary>
    public int MaxWaitingCalls { get; init; } = 10_000;

    /// <summary>Encoded bytes of rows that may wait, likewise.</summary>
    public long MaxWaitingBytes { get; init; } = 32 * 1024 * 1024;
}
