using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;

namespace MailGrains.Grains.Queues;

/// <summary>
/// What changes of a waiting message; what it is stands in its rows. Times are Unix milliseconds. The committed one is changed by events alone, but for
/// <see cref="IsInProgress"/>, <see cref="IsReady"/>, <see cref="Sender"/>, <see cref="IsDoubtful"/> and <see cref="ScheduledAt"/>, which are the activation's.
/// </summary>
internal sealed class QueueEntry(EmailId email)
{
    // What expired while it was held is tried before it is returned.
    private static readonly long TriedAfterHold = (long)TimeSpan.FromHours(1).TotalMilliseconds;

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

    /// <summary>Who holds it, why and until when; null when it is not held, or a configured route holds it.</summary>
    public QueueMark? Hold { get; set; }

    /// <summary>What its sender is to hear; null for nothing.</summary>
    public IReadOnlyList<Notice>? Notices { get; set; }

    /// <summary>An attempt of this activation's is under way: a sender has it, or is being given it.</summary>
    public bool IsInProgress { get; set; }

    /// <summary>It stands among those that may be started.</summary>
    public bool IsReady { get; set; }

    /// <summary>The silo of that sender: the one that claimed the attempt, or took it.</summary>
    public SiloAddress? Sender { get; set; }

    /// <summary>Whether a sender has the attempt is not known: nobody may end it, it gets another number.</summary>
    public bool IsDoubtful { get; set; }

    /// <summary>The time under which it stands in the schedule; -1: under none.</summary>
    public long ScheduledAt { get; set; } = -1;

    public bool Is(EntryFlags flag) => (Flags & flag) != 0;

    /// <summary>May be started when it is due.</summary>
    public bool Waits => !IsInProgress && !Left.IsEmpty && !Is(EntryFlags.Held | EntryFlags.Started);

    /// <summary>When its time is over, or its sender is to hear that it waits, whatever keeps it from being tried; <see cref="long.MaxValue"/>: at no time.</summary>
    public long LateAt => Math.Min(Is(EntryFlags.LastTry) ? long.MaxValue : Expires, DelayAt == 0 ? long.MaxValue : DelayAt);

    /// <summary>When something is to be done about it; <see cref="long.MaxValue"/>: at no time that is known.</summary>
    public long WakeAt =>
        Waits ? Math.Min(IsReady ? long.MaxValue : Due, LateAt)
        : Is(EntryFlags.Held) && !IsInProgress && !Left.IsEmpty && !Is(EntryFlags.Started) ? HeldUntil
        : long.MaxValue;

    /// <summary><see cref="long.MaxValue"/>: until an operator releases it.</summary>
    public long HeldUntil => Hold?.Until is { } until ? until.ToUnixTimeMilliseconds() : long.MaxValue;

    public void Release(long now)
    {
        Flags &= ~EntryFlags.Held;
        Hold = null;
        MakeDue(now);
        Expires = Math.Max(Expires, now + TriedAfterHold);
    }

    /// <summary>It may be tried now; what has not been tried yet, and is to be sent at a later time (FUTURERELEASE), is left to that.</summary>
    public void MakeDue(long now) => Due = Attempts == 0 ? Due : Math.Min(Due, now);

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
        Hold = Hold,
        Notices = Notices,
        IsInProgress = IsInProgress,
    };
}

/// <summary>Stored: the numbers keep their meaning.</summary>
[Flags]
internal enum EntryFlags
{
    None = 0,

    /// <summary>The body is in the row b.</summary>
    Inline = 1,

    /// <summary>Not started until an operator releases it, or the hold's time is over.</summary>
    Held = 2,

    /// <summary>An attempt began, and how it ended is not known.</summary>
    Started = 4,

    /// <summary>An earlier attempt may have been taken.</summary>
    Uncertain = 8,

    /// <summary>Some recipient's NOTIFY has SUCCESS.</summary>
    WantsSuccess = 16,

    /// <summary>The recipients are mailboxes here.</summary>
    Local = 32,

    /// <summary>In the record alone: a mark follows, <see cref="QueueEntry.Hold"/>.</summary>
    Marked = 64,

    /// <summary>Its time is over, and it is tried once more before it is given up: until then nobody may have tried.</summary>
    LastTry = 128,

    /// <summary>Given up when its time is over, tried or not: DELIVERBY with R (RFC 2852).</summary>
    EndsInTime = 256,
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

    /// <summary>It goes to the members of a list, and no more is told.</summary>
    Expanded = 6,
}
