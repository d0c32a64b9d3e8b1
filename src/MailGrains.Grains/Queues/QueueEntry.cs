using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Queues;

/// <summary>
/// What changes of a waiting message; what it is stands in its rows. Times are Unix milliseconds. The committed one is changed by events alone, but for
/// <see cref="IsInProgress"/>, <see cref="Sender"/> and <see cref="ScheduledAt"/>, which are the activation's.
/// </summary>
internal sealed class QueueEntry(EmailId email)
{
    public EmailId Email => email;

    /// <summary>Recipients that wait.</summary>
    public RecipientSet Left { get; set; }

    public long Due { get; set; }

    /// <summary>When it is given up.</summary>
    public long Expires { get; set; }

    /// <summary>When its sender is told that it waits; 0: has been, or is not to be.</summary>
    public long DelayAt { get; set; }

    /// <summary>Numbers the attempts, those that were not tried included.</summary>
    public int Attempts { get; set; }

    /// <summary>Attempts that a server, or the lack of one, has ended.</summary>
    public int Tries { get; set; }

    public sbyte Priority { get; set; }

    public EntryFlags Flags { get; set; }

    public string? LastReply { get; set; }

    /// <summary>What its sender is to hear; null for nothing.</summary>
    public IReadOnlyList<Notice>? Notices { get; set; }

    /// <summary>A sender has it, or is being given it.</summary>
    public bool IsInProgress { get; set; }

    /// <summary>The silo of that sender.</summary>
    public SiloAddress? Sender { get; set; }

    /// <summary>The time under which it stands in the schedule; -1: under none.</summary>
    public long ScheduledAt { get; set; } = -1;

    public bool Is(EntryFlags flag) => (Flags & flag) != 0;

    /// <summary>May be started when it is due.</summary>
    public bool Waits => !IsInProgress && !Left.IsEmpty && !Is(EntryFlags.Held | EntryFlags.Started);

    /// <summary>When something is to be done about it, while it <see cref="Waits"/>.</summary>
    public long WakeAt => Math.Min(Math.Min(Due, Expires), DelayAt == 0 ? long.MaxValue : DelayAt);

    public QueueEntry Copy() => new(email)
    {
        Left = Left,
        Due = Due,
        Expires = Expires,
        DelayAt = DelayAt,
        Attempts = Attempts,
        Tries = Tries,
        Priority = Priority,
        Flags = Flags,
        LastReply = LastReply,
        Notices = Notices,
    };
}

/// <summary>Stored: the numbers keep their meaning.</summary>
[Flags]
internal enum EntryFlags
{
    None = 0,

    /// <summary>The body is in the row b.</summary>
    Inline = 1,

    /// <summary>Not started until an operator releases it.</summary>
    Held = 2,

    /// <summary>An attempt began, and how it ended is not known.</summary>
    Started = 4,

    /// <summary>An earlier attempt may have been taken.</summary>
    Uncertain = 8,

    /// <summary>Some recipient's NOTIFY has SUCCESS.</summary>
    WantsSuccess = 16,

    /// <summary>The recipients are mailboxes here.</summary>
    Local = 32,
}

/// <summary>Something that a message's sender is to hear.</summary>
internal sealed record Notice(NoticeKind Kind, int Recipient, int Code, string Enhanced, string Text, string? Host);

/// <summary>Stored: the numbers keep their meaning.</summary>
internal enum NoticeKind
{
    Failed = 1,

    /// <summary>Given up, since time ran out.</summary>
    Expired = 2,
    Delayed = 3,
    Relayed = 4,
    Delivered = 5,
}
