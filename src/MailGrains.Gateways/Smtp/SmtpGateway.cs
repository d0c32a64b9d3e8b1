using System.Net;
using MailGrains.Protocols.Smtp;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>Port 25's connection handler: one SMTP session a connection over Kestrel's pipe.</summary>
public sealed class SmtpGateway(
    GatewayOptions options, RecipientResolver resolver, HandOver handOver, Drain drain, SessionSlots slots, GatewayMetrics metrics, TimeProvider time,
    ILogger<SmtpBackend> logger) : ConnectionHandler
{
    private readonly SmtpServerOptions _server = new() { HostName = options.HostName, MaxMessageBytes = options.MaxMessageBytes };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        if (!slots.TryTake())
        {
            // RFC 5321 §3.8: the service may close with 421 instead of a greeting.
            await connection.Transport.Output.WriteAsync("421 4.3.2 Too many connections, try again later\r\n"u8.ToArray());
            return;
        }

        metrics.SessionOpened("smtp");
        try
        {
            var peer = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            await using var backend = new SmtpBackend(peer, options, resolver, handOver, metrics, time, logger);

            // Not ConnectionClosed: it fires when the client has sent its last octet, and what arrived before that is still to be carried out.
            await new SmtpServerSession(_server, backend, time).RunAsync(connection.Transport, drain.Token, CancellationToken.None);
        }
        finally
        {
            metrics.SessionClosed("smtp");
            slots.Release();
        }
    }
}
