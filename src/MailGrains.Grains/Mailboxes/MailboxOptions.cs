namespace MailGrains.Grains.Mailboxes;

/// <summary>Bounds and times of mailboxes; immutable.</summary>
public sealed record MailboxOptions
{
    /// <summary>How long an expunged message's rows and blob are kept.</summary>
    public TimeSpan UndoWindow { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Bytes of expunged messages that a mailbox keeps within the window; the oldest above it go at once.</summary>
    public long MaxExpungedBytes { get; init; } = 1024L * 1024 * 1024;

    /// <summary>Expunging commits that a mailbox keeps within the window; they stand in the snapshot's head.</summary>
    public int MaxExpunges { get; init; } = 5_000;

    /// <summary>Memory for loaded index segments of all mailboxes of a silo, in bytes.</summary>
    public long SegmentMemoryBytes { get; init; } = 64 * 1024 * 1024;
}
