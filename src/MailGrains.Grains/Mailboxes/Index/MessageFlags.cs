namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>The system flags of RFC 9051 §2.3.2 that are kept; stored, so the numbers stay.</summary>
[Flags]
internal enum MessageFlags : byte
{
    None = 0,
    Seen = 1,
    Answered = 2,
    Flagged = 4,
    Deleted = 8,
    Draft = 16,
}

/// <summary>Flags and keywords as bits; <paramref name="Keywords"/> by the mailbox's <see cref="KeywordTable"/>.</summary>
internal readonly record struct FlagBits(MessageFlags Flags, ulong Keywords)
{
    public bool IsSeen => (Flags & MessageFlags.Seen) != 0;
}

/// <summary>What a change of flags does to each message: first cleared, then set.</summary>
internal readonly record struct FlagMasks(FlagBits Clear, FlagBits Set)
{
    public FlagBits Apply(FlagBits bits) =>
        new((bits.Flags & ~Clear.Flags) | Set.Flags, (bits.Keywords & ~Clear.Keywords) | Set.Keywords);
}
