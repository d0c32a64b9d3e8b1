namespace MailGrains.Protocols.Smtp;

/// <summary>Where a session stands between two commands (RFC 5321 §4.1.4).</summary>
internal enum SmtpState
{
    /// <summary>Neither EHLO nor HELO yet.</summary>
    Connected = 0,

    /// <summary>No transaction is open.</summary>
    Ready = 1,

    /// <summary>MAIL was accepted, no recipient yet.</summary>
    Sender = 2,

    /// <summary>At least one recipient was accepted.</summary>
    Recipients = 3,

    /// <summary>At least one chunk was accepted and the last one has not come (RFC 3030 §2).</summary>
    Chunks = 4,
}
