namespace MailGrains.Protocols.Pop3;

/// <summary>One listener's limits and names; immutable and shared by its sessions.</summary>
public sealed class Pop3ServerOptions
{
    /// <summary>In the greeting.</summary>
    public required string HostName { get; init; }

    /// <summary>A line with its CRLF. RFC 2449 §4 says 255 for commands, but a response to AUTH may have all that a mechanism needs (RFC 5034 §4).</summary>
    public int MaxLineBytes { get; init; } = 12_288;

    /// <summary>RFC 1939 §3: at least ten minutes.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For the client to read answers that wait.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For the next command, once shutdown was asked for.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Failed logins before the session ends: clients that try one wrong password by every mechanism still hear what is wrong.</summary>
    public int MaxFailedLogins { get; init; } = 10;

    /// <summary>From a failed login to its answer; no thread waits.</summary>
    public TimeSpan FailedLoginDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Failed commands before the session ends.</summary>
    public int MaxErrors { get; init; } = 50;

    /// <summary>TLS from the first octet (RFC 8314 §3.3), in place of STLS.</summary>
    public bool ImplicitTls { get; init; }

    /// <summary>For a TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    internal Pop3Reply Greeting => field ??= Pop3Reply.Ok($"{HostName} POP3 ready");
}
