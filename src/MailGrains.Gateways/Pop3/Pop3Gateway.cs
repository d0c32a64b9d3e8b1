using System.Net;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Text;
using MailGrains.Gateways.Accounts;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;
using MailGrains.Storage.Bodies;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Pop3;

/// <summary>The connections of both POP3 listeners. Passwords are taken in clear only where both ends of the connection are on this machine.</summary>
public sealed partial class Pop3Gateway(
    GatewayOptions options, IGrainFactory grains, StoredMessages messages, LoginParts logins, TlsCertificates certificates, Drain drain,
    Admission admission, TimeProvider time, ILogger<Pop3Backend> logger)
{
    private readonly Pop3ServerOptions _server = new() { HostName = options.HostName };
    private readonly Pop3ServerOptions _implicitTls = new() { HostName = options.HostName, ImplicitTls = true };

    /// <param name="implicitTls">TLS from the first octet; else STLS is offered.</param>
    public async Task RunAsync(ConnectionContext connection, bool implicitTls)
    {
        using var admitted = admission.Enter(connection, "pop3", WantedLookups.None);
        if (admitted.Refusal is { } refusal)
        {
            // Where TLS comes first nobody could read it.
            if (!implicitTls)
            {
                await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"-ERR [SYS/TEMP] {refusal.Text}, try again later\r\n"));
            }

            return;
        }

        var peer = admitted.Peer;
        await using var backend = new Pop3Backend(grains, messages, logger);
        var sasl = new SaslPolicy(IsEncrypted: false, peer.IsClearTextAllowed, default, OffersBearer: true);
        var session = new Pop3ServerSession(
            implicitTls ? _implicitTls : _server, backend, logins.For(AccessScope.Pop3, peer.Address), sasl, time, certificates);

        // Not ConnectionClosed: it fires when the client has sent its last octet, be it that of QUIT, whose deletions are still to be carried out.
        var end = await session.RunAsync(connection.Transport, drain.Ending, drain.CutOff);
        Report(peer.Address, session, end);
    }

    // One line for a client that misbehaved, none for one that did not.
    private void Report(IPAddress peer, Pop3ServerSession session, SessionEnd end)
    {
        if (session.TlsFailure is { } failure)
        {
            LogNoTls(peer, new LogText(failure));
        }
        else if (session.LastRefusal is { } last)
        {
            LogRefused(peer, end, session.Refusals, new LogText(last));
        }
        else if (end is not (SessionEnd.Quit or SessionEnd.ConnectionLost or SessionEnd.Shutdown))
        {
            LogEnded(peer, end);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "POP3 session of {Peer} ended ({End}): {Refusals} commands refused, last {Text}")]
    private partial void LogRefused(IPAddress peer, SessionEnd end, int refusals, LogText text);

    [LoggerMessage(Level = LogLevel.Information, Message = "POP3 session of {Peer} ended ({End})")]
    private partial void LogEnded(IPAddress peer, SessionEnd end);

    [LoggerMessage(Level = LogLevel.Information, Message = "POP3 session of {Peer} ended: no TLS, {Why}")]
    private partial void LogNoTls(IPAddress peer, LogText why);
}
