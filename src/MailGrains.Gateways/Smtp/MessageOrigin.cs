using System.Net;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;

namespace MailGrains.Gateways.Smtp;

/// <summary>Where a message came from and what it is called: <see cref="Email"/> is its id in every mailbox and, as text, the trace id.</summary>
public sealed record MessageOrigin(IPAddress Peer, SmtpHello Hello, EmailId Email, DateTimeOffset ReceivedAt)
{
    /// <summary>Null: it came in clear.</summary>
    public TlsFacts? Tls { get; init; }

    /// <summary>The address of the account that submitted it; null: nobody had logged in.</summary>
    public string? Login { get; init; }

    /// <summary>What is known of the client beside its address.</summary>
    public ClientRecord Client { get; init; } = new(default, default, ReverseName.NotLookedUp);

    public string TraceId { get; } = Email.ToString();
}
