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
    GatewayOptions options, IGrainFactory grains, StoredMessages messages, Drain drain, SessionSlots slots, GatewayMetrics metrics, TimeProvider time,
    ILogger<Pop3Backend> logger) : ConnectionHandler
{
    private readonly Pop3ServerOptions _server = new() { HostName = options.HostName };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        if (!slots.TryTake())
        {
            await connection.Transport.Output.WriteAsync("-ERR [SYS/TEMP] too many connections, try again later\r\n"u8.ToArray());
            return;
        }

        metrics.SessionOpened("pop3");
        try
        {
            await using var backend = new Pop3Backend(grains, messages, logger);
            var session = new Pop3ServerSession(_server, backend, IsLoopback(connection.LocalEndPoint) && IsLoopback(connection.RemoteEndPoint), time);

            // Not ConnectionClosed: it fires when the client has sent its last octet, be it that of QUIT, whose deletions are still to be carried out.
            await session.RunAsync(connection.Transport, drain.Token, CancellationToken.None);
        }
        finally
        {
            metrics.SessionClosed("pop3");
            slots.Release();
        }
    }

    private static bool IsLoopback(EndPoint? endPoint) => endPoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(address);
}
