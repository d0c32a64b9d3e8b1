using System.Net;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Text;
using MailGrains.Gateways.Accounts;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>The connections of all three SMTP listeners: one session each over Kestrel's pipe.</summary>
public sealed partial class SmtpGateway
{
    /// <summary>What a message asks for that its queue does.</summary>
    private const SmtpExtensions Carried =
        SmtpExtensions.Dsn | SmtpExtensions.DeliverBy | SmtpExtensions.MtPriority | SmtpExtensions.RequireTls;

    private readonly SmtpParts _parts;
    private readonly LoginParts _logins;
    private readonly TlsCertificates _certificates;
    private readonly Drain _drain;
    private readonly Admission _admission;
    private readonly ILogger<SmtpGateway> _logger;
    private readonly SmtpServerOptions _exchange;
    private readonly SmtpServerOptions _submission;
    private readonly SmtpServerOptions _submissions;

    public SmtpGateway(
        SmtpParts parts, LoginParts logins, TlsCertificates certificates, Drain drain, Admission admission, ILogger<SmtpGateway> logger)
    {
        (_parts, _logins, _certificates, _drain, _admission, _logger) = (parts, logins, certificates, drain, admission, logger);
        var options = parts.Options;
        _exchange = new SmtpServerOptions
        {
            HostName = options.HostName,
            MaxMessageBytes = options.MaxMessageBytes,
            GreetDelay = options.GreetDelay,
            TarpitDelay = options.TarpitDelay,
            Extensions = Carried | SmtpExtensions.Etrn,
        };
        _submission = new SmtpServerOptions
        {
            HostName = options.HostName,
            MaxMessageBytes = options.MaxMessageBytes,
            IsSubmission = true,
            Extensions = Carried | SmtpExtensions.FutureRelease,
        };
        _submissions = new SmtpServerOptions
        {
            HostName = options.HostName,
            MaxMessageBytes = options.MaxMessageBytes,
            IsSubmission = true,
            ImplicitTls = true,
            Extensions = Carried | SmtpExtensions.FutureRelease,
        };
    }

    public async Task RunAsync(ConnectionContext connection, SmtpListener listener)
    {
        using var admitted = listener == SmtpListener.Exchange
            ? _admission.Enter(connection, "smtp", WantedLookups.ReverseName | WantedLookups.Listing)
            : _admission.Enter(connection, "submission", WantedLookups.ReverseName);
        if (admitted.Refusal is { } refusal)
        {
            // RFC 5321 §3.8: the service may close with 421 instead of a greeting. Where TLS comes first nobody could read it.
            if (listener != SmtpListener.Submissions)
            {
                await connection.Transport.Output.WriteAsync(
                    Encoding.ASCII.GetBytes($"421 {(refusal.IsOurs ? "4.3.2" : "4.7.0")} {refusal.Text}, try again later\r\n"));
            }

            return;
        }

        await using var backend = new SmtpBackend(listener, admitted.Peer, connection.LocalEndPoint as IPEndPoint, _parts);
        var session = new SmtpServerSession(OptionsOf(listener), backend, _parts.Time, ConnectionOf(listener, admitted.Peer));

        // Not ConnectionClosed: it fires when the client has sent its last octet, and what arrived before that is still to be carried out.
        var end = await session.RunAsync(connection.Transport, _drain.Ending, _drain.CutOff);
        Report(admitted.Peer.Address, listener, session, end);
    }

    private SmtpConnection ConnectionOf(SmtpListener listener, PeerFacts peer) => listener == SmtpListener.Exchange
        ? new() { Certificates = _certificates, IsTrusted = peer.IsTrusted }
        : new()
        {
            Certificates = _certificates,
            IsTrusted = peer.IsTrusted,
            Accounts = _logins.For(AccessScope.Smtp, peer.Address),
            AllowsClearTextLogin = peer.IsClearTextAllowed,
            OffersBearer = true,
        };

    private SmtpServerOptions OptionsOf(SmtpListener listener) => listener switch
    {
        SmtpListener.Exchange => _exchange,
        SmtpListener.Submission => _submission,
        _ => _submissions,
    };

    // One line for a client that misbehaved, none for one that did not.
    private void Report(IPAddress peer, SmtpListener listener, SmtpServerSession session, SessionEnd end)
    {
        if (session.TlsFailure is { } failure)
        {
            LogNoTls(peer, listener, new LogText(failure));
        }
        else if (session.LastRefusal is { } last && (end != SessionEnd.Shutdown || session.Refusals > 0))
        {
            LogRefused(peer, listener, end, session.Refusals, last.Status, new LogText(last.Text));
        }
        else if (end is not (SessionEnd.Quit or SessionEnd.ConnectionLost or SessionEnd.Shutdown))
        {
            LogEnded(peer, listener, end);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Listener} session of {Peer} ended ({End}): {Refusals} commands refused for good, last {Status} {Text}")]
    private partial void LogRefused(
        IPAddress peer, SmtpListener listener, SessionEnd end, int refusals, string status, LogText text);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Listener} session of {Peer} ended: no TLS, {Why}")]
    private partial void LogNoTls(IPAddress peer, SmtpListener listener, LogText why);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Listener} session of {Peer} ended ({End})")]
    private partial void LogEnded(IPAddress peer, SmtpListener listener, SessionEnd end);
}
