using System.Net;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>Where a message came from and what it is called: <see cref="Email"/> is its id in every mailbox and, as text, the trace id.</summary>
public sealed record MessageOrigin(IPAddress Peer, SmtpHello Hello, EmailId Email, DateTimeOffset ReceivedAt)
{
    public string TraceId { get; } = Email.ToString();
}
