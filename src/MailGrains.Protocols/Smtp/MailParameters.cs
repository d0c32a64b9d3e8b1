namespace MailGrains.Protocols.Smtp;

/// <summary>BODY= of RFC 6152 §3 and RFC 3030 §3.</summary>
public enum BodyType
{
    SevenBit = 0,
    EightBitMime = 1,

    /// <summary>By BDAT only.</summary>
    BinaryMime = 2,
}

/// <summary>The parameters of MAIL (RFC 5321 §4.1.1.11).</summary>
/// <param name="Size">SIZE= in octets (RFC 1870 §3): the client's estimate, null when it gave none.</param>
/// <param name="SmtpUtf8">RFC 6531 §3.4: addresses and header may be UTF-8.</param>
public readonly record struct MailParameters(long? Size, BodyType Body, bool SmtpUtf8)
{
    /// <summary>
    /// AUTH= (RFC 4954 §5): who submitted the message first, as the client says; <c>&lt;&gt;</c> is empty. Null when it was not given.
    /// </summary>
    public string? Auth { get; init; }

    /// <summary>RET= (RFC 3461 §4.3).</summary>
    public DsnReturn Return { get; init; }

    /// <summary>ENVID= (RFC 3461 §4.4), decoded: printable US-ASCII, never empty. Null when it was not given.</summary>
    public string? EnvelopeId { get; init; }

    /// <summary>HOLDFOR= or HOLDUNTIL= (RFC 4865), within <see cref="SmtpServerOptions.MaxHold"/>.</summary>
    public FutureRelease? FutureRelease { get; init; }

    /// <summary>BY= (RFC 2852).</summary>
    public DeliverByTime? DeliverBy { get; init; }

    /// <summary>MT-PRIORITY= (RFC 6710), -9 to 9; above 0 only from clients that have logged in or are trusted.</summary>
    public int Priority { get; init; }

    /// <summary>REQUIRETLS (RFC 8689): every server on the way must take it under verified TLS, and know this.</summary>
    public bool RequireTls { get; init; }
}

/// <summary>The parameters of RCPT (RFC 5321 §4.1.1.11).</summary>
public readonly record struct RcptParameters
{
    /// <summary>NOTIFY= (RFC 3461 §4.1).</summary>
    public DsnNotify Notify { get; init; }

    /// <summary>ORCPT= (RFC 3461 §4.2); null when it was not given.</summary>
    public OriginalRecipient? OriginalRecipient { get; init; }
}

/// <summary>What the client calls itself.</summary>
/// <param name="Name">A domain or an address literal; checked for syntax only.</param>
/// <param name="Extended">EHLO, not HELO.</param>
public readonly record struct SmtpHello(string Name, bool Extended);
