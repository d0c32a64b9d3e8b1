using System.Text;
using MailGrains.Gateways.Connections;
using MailGrains.Protocols.Smtp;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>Port 25's connection handler: one SMTP session a connection over Kestrel's pipe.</summary>
public sealed class SmtpGateway(
    GatewayOptions options, RecipientResolver resolver, HandOver handOver, Drain drain, Admission admission, GatewayMetrics metrics, TimeProvider time,
    ILogger<SmtpBackend> logger) : ConnectionHandler
{
    private readonly SmtpServerOptions _server = new() { HostName = options.HostName, MaxMessageBytes = options.MaxMessageBytes };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        using var admitted = admission.Enter(connection, "smtp");
        if (admitted.Refusal is { } refusal)
        {
            // RFC 5321 §3.8: the service may close with 421 instead of a greeting.
            await connection.Transport.Output.WriteAsync(
                Encoding.ASCII.GetBytes($"421 {(refusal.IsOurs ? "4.3.2" : "4.7.0")} {refusal.Text}, try again later\r\n"));
            return;
        }

        await using var backend = new SmtpBackend(admitted.Peer.Address, options, resolver, handOver, metrics, time, logger);

        // Not ConnectionClosed: it fires when the client has sent its last octet, and what arrived before that is still to be carried out.
        await new SmtpServerSession(_server, backend, time).RunAsync(connection.Transport, drain.Token, CancellationToken.None);
    }
}
