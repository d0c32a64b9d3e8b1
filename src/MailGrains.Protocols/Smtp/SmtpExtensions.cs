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
}
