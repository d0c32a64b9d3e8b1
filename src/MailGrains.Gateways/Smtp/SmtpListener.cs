namespace MailGrains.Gateways.Smtp;

/// <summary>Where a client came in.</summary>
public enum SmtpListener
{
    /// <summary>Port 25: other servers hand over mail for the domains that are hosted here.</summary>
    Exchange = 1,

    /// <summary>Port 587: users submit mail after STARTTLS (RFC 6409).</summary>
    Submission = 2,

    /// <summary>Port 465: users submit mail under TLS from the first octet (RFC 8314 §3.3).</summary>
    Submissions = 3,
}
