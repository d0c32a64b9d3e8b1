using System.Net;
using MailGrains.Protocols.Pop3;
using MailGrains.Storage.Bodies;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Pop3;

/// <summary>
/// POP3's connection handler. Passwords are taken in clear only where both ends of the connection are on this machine.
/// </summary>
public sealed class Pop3Gateway(
    GatewayOptions options, IGrainFactory grains, StoredMessages messages, Drain drain, GatewayMetrics metrics, TimeProvider time,
    ILogger<Pop3Backend> logger) : ConnectionHandler
{
    private readonly Pop3ServerOptions _server = new() { HostName = options.HostName };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        metrics.SessionOpened("pop3");
        try
        {
            await using var backend = new Pop3Backend(grains, messages, logger);
            var session = new Pop3ServerSession(_server, backend, IsLoopback(connection.LocalEndPoint) && IsLoopback(connection.RemoteEndPoint), time);
            await session.RunAsync(connection.Transport, drain.Token, connection.ConnectionClosed);
        }
        finally
        {
            metrics.SessionClosed("pop3");
        }
    }

    private static bool IsLoopback(EndPoint? endPoint) => endPoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(address);
}
