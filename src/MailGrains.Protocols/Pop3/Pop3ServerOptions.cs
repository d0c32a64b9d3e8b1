namespace MailGrains.Protocols.Pop3;

/// <summary>One listener's limits and names; immutable and shared by its sessions.</summary>
public sealed class Pop3ServerOptions
{
    /// <summary>In the greeting.</summary>
    public required string HostName { get; init; }

    /// <summary>A command line with its CRLF. RFC 2449 §4 says 255; an AUTH response (RFC 5034 §4) may be longer.</summary>
    public int MaxLineBytes { get; init; } = 2_048;

    /// <summary>RFC 1939 §3: at least ten minutes.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For the client to read answers that wait.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Failed logins before the session ends.</summary>
    public int MaxFailedLogins { get; init; } = 3;

    /// <summary>From a failed login to its answer; no thread waits.</summary>
    public TimeSpan FailedLoginDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Failed commands before the session ends.</summary>
    public int MaxErrors { get; init; } = 50;

    internal Pop3Reply Greeting => field ??= Pop3Reply.Ok($"{HostName} POP3 ready");
}
