namespace MailGrains.Protocols.Wire;

/// <summary>What a look for the next line found.</summary>
internal enum LineStatus
{
    /// <summary>No whole line has arrived.</summary>
    Incomplete = 0,

    /// <summary>A line that ended in CRLF and holds no other CR, LF or NUL.</summary>
    Line = 1,

    /// <summary>A line that ended in a bare LF, or holds a bare CR or a NUL; it was dropped.</summary>
    BadLine = 2,

    /// <summary>A line over the limit; it was dropped without being held.</summary>
    TooLong = 3,

    /// <summary>A line far over the limit that has not ended yet: nothing sensible will follow.</summary>
    Endless = 4,
}

/// <summary>How a wait for input ended.</summary>
internal enum InputStatus
{
    /// <summary>There are octets that were not there before.</summary>
    Arrived = 1,

    /// <summary>Woken, for shutdown or for nothing; look and wait again.</summary>
    Woken = 2,

    /// <summary>The deadline passed, for reading or for writing.</summary>
    TimedOut = 3,

    /// <summary>The peer closed, or the transport failed.</summary>
    Ended = 4,
}
