namespace MailGrains.Protocols.Smtp;

/// <summary>One listener's limits and names; immutable and shared by its sessions. Times are of RFC 5321 §4.5.3.2 where it has one.</summary>
public sealed class SmtpServerOptions
{
    /// <summary>In the greeting and the replies to EHLO and HELO.</summary>
    public required string HostName { get; init; }

    /// <summary>SIZE (RFC 1870 §4), in octets of unstuffed content.</summary>
    public long MaxMessageBytes { get; init; } = 50L << 20;

    /// <summary>Recipients a transaction; RFC 5321 §4.5.3.1.8 asks for at least 100.</summary>
    public int MaxRecipients { get; init; } = 1_000;

    /// <summary>Failed commands since the last accepted message before 421 4.7.0.</summary>
    public int MaxErrors { get; init; } = 20;

    /// <summary>NOOP, RSET, VRFY, HELP, EHLO and HELO since the last accepted message before each further one counts as an error.</summary>
    public int MaxJunkCommands { get; init; } = 100;

    /// <summary>
    /// A command line with its CRLF. RFC 5321 §4.5.3.1.4 says 512; SMTPUTF8 (RFC 6531 §3.4), SIZE, and the parameters that come with AUTH
    /// and DSN add to it.
    /// </summary>
    public int MaxCommandLineBytes { get; init; } = 2_048;

    /// <summary>The same where AUTH is offered (RFC 4954 §4).</summary>
    public int MaxAuthLineBytes { get; init; } = 12_288;

    /// <summary>Message submission (RFC 6409): nothing is taken before a login, and bare line ends are mended in place of refused.</summary>
    public bool IsSubmission { get; init; }

    /// <summary>TLS from the first octet (RFC 8314 §3.3), in place of STARTTLS.</summary>
    public bool ImplicitTls { get; init; }

    /// <summary>What is offered besides what every session has.</summary>
    public SmtpExtensions Extensions { get; init; }

    /// <summary>How long FUTURERELEASE may hold a message (RFC 4865); whole days.</summary>
    public TimeSpan MaxHold { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The least time that DELIVERBY takes for a message that is to be returned (RFC 2852); zero: none is named.</summary>
    public TimeSpan MinDeliverBy { get; init; }

    /// <summary>The priority assignment policy that MT-PRIORITY names (RFC 6710); empty: none.</summary>
    public string PriorityPolicy { get; init; } = "";

    /// <summary>A line of content without its CRLF. RFC 5321 §4.5.3.1.6 says 998; much real mail has longer ones, which are kept.</summary>
    public int MaxTextLineBytes { get; init; } = 64 << 10;

    /// <summary>The header section of the content.</summary>
    public int MaxHeaderBytes { get; init; } = 256 << 10;

    /// <summary>From one command to the next, whole line (RFC 5321 §4.5.3.2.7).</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For the next piece of content (RFC 5321 §4.5.3.2.5).</summary>
    public TimeSpan DataBlockTimeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>
    /// Content must come at this mean rate, apart from a grace of <see cref="DataBlockTimeout"/>; time that the backend takes is not counted.
    /// </summary>
    public int MinDataBytesPerSecond { get; init; } = 240;

    /// <summary>For the client to read replies that wait.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For the next command of an open transaction, once shutdown was asked for.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For a TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Failed logins before the session ends; some clients try one password by every mechanism.</summary>
    public int MaxFailedLogins { get; init; } = 10;

    /// <summary>Before the greeting; a client that speaks meanwhile is no mail server. Trusted ones do not wait.</summary>
    public TimeSpan GreetDelay { get; init; }

    /// <summary>
    /// How much later each refusal is answered than the one before it, after the first three; eight times this at the most. Trusted ones do not wait.
    /// </summary>
    public TimeSpan TarpitDelay { get; init; }

    internal SmtpReply Greeting => field ??= new(220, EnhancedCode.None, $"{HostName} ESMTP MailGrains");

    internal SmtpReply HeloReply => field ??= new(250, EnhancedCode.None, HostName);

    /// <summary>What the listener knows; REQUIRETLS is offered later, under TLS.</summary>
    internal SmtpExtensions KnownExtensions => IsSubmission ? Extensions : Extensions & ~SmtpExtensions.FutureRelease;

    internal EhloReplies Ehlo => field ??= new(this);
}
