namespace MailGrains.Protocols.Smtp;

/// <summary>
/// What a listener offers besides what every session has. Nothing by default: a backend that does not carry a request to the end must not be
/// given it.
/// </summary>
[Flags]
public enum SmtpExtensions
{
    None = 0,

    /// <summary>RET, ENVID, NOTIFY, ORCPT (RFC 3461).</summary>
    Dsn = 1,

    /// <summary>HOLDFOR, HOLDUNTIL (RFC 4865); offered by submission only.</summary>
    FutureRelease = 2,

    /// <summary>BY (RFC 2852).</summary>
    DeliverBy = 4,

    /// <summary>MT-PRIORITY (RFC 6710).</summary>
    MtPriority = 8,

    /// <summary>REQUIRETLS (RFC 8689); offered under TLS only.</summary>
    RequireTls = 16,

    /// <summary>The command ETRN (RFC 1985); the backend implements <see cref="ISmtpBackend.EtrnAsync"/>.</summary>
    Etrn = 32,
}
