using System.Net;
using MailGrains.Protocols.Smtp;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>Port 25's connection handler: one SMTP session a connection over Kestrel's pipe.</summary>
public sealed class SmtpGateway(
    GatewayOptions options, RecipientResolver resolver, HandOver handOver, Drain drain, GatewayMetrics metrics, TimeProvider time,
    ILogger<SmtpBackend> logger) : ConnectionHandler
{
    private readonly SmtpServerOptions _server = new() { HostName = options.HostName, MaxMessageBytes = options.MaxMessageBytes };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        metrics.SessionOpened("smtp");
        try
        {
            var peer = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            await using var backend = new SmtpBackend(peer, options, resolver, handOver, metrics, time, logger);
            await new SmtpServerSession(_server, backend, time).RunAsync(connection.Transport, drain.Token, connection.ConnectionClosed);
        }
        finally
        {
            metrics.SessionClosed("smtp");
        }
    }
}
