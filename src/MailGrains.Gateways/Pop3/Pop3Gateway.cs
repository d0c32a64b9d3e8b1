using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Storage.Bodies;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Pop3;

/// <summary>
/// POP3's connection handler. Passwords are taken in clear only where both ends of the connection are on this machine.
/// </summary>
public sealed class Pop3Gateway(
    GatewayOptions options, IGrainFactory grains, StoredMessages messages, Drain drain, Admission admission, TimeProvider time,
    ILogger<Pop3Backend> logger) : ConnectionHandler
{
    private static readonly SaslPolicy ClearText = new(false, true, default, OffersBearer: false) { OffersScram = false };

    private readonly Pop3ServerOptions _server = new() { HostName = options.HostName };

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        using var admitted = admission.Enter(connection, "pop3", WantedLookups.None);
        if (admitted.Refusal is { } refusal)
        {
            await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"-ERR [SYS/TEMP] {refusal.Text}, try again later\r\n"));
            return;
        }

        await using var backend = new Pop3Backend(grains, messages, LoginPeer.Of(admitted.Peer.Address), logger);
        var session = new Pop3ServerSession(_server, backend, backend, admitted.Peer.IsClearTextAllowed ? ClearText : SaslPolicy.None, time);

        // Not ConnectionClosed: it fires when the client has sent its last octet, be it that of QUIT, whose deletions are still to be carried out.
        await session.RunAsync(connection.Transport, drain.Token, CancellationToken.None);
    }
}
