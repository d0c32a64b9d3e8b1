namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>
/// Sizes of index segments and of a snapshot's work. The defaults hold for every mailbox; tests take smaller ones. What is stored does not
/// depend on them, so they may change from release to release.
/// </summary>
internal sealed record IndexLimits
{
    public static IndexLimits Default { get; } = new();

    /// <summary>Messages in a segment: 256 KiB in memory, some 150 KiB stored.</summary>
    public int SegmentEntries { get; init; } = 4096;

    /// <summary>A segment with as many bytes of changes is loaded to be written.</summary>
    public int LoadAtWeight { get; init; } = 4096;

    /// <summary>One that is in memory is written at as many.</summary>
    public int WriteAtWeight { get; init; } = 256;

    /// <summary>Segments that a snapshot loads or writes because of their changes: 16 MiB of memory.</summary>
    public int MaxChangedSegments { get; init; } = 64;

    /// <summary>Messages that one commit changes at the most.</summary>
    public int MaxChangedMessages { get; init; } = 32_768;

    /// <summary>Segments that a call keeps in memory until it is committed.</summary>
    public int MaxPinnedSegments { get; init; } = 64;
}
