using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Grains.Relay.Destinations.Reports;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tls;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>What became of opening a connection.</summary>
/// <param name="Failure">Without a connection: why, and whose <paramref name="Host"/> it was.</param>
internal readonly record struct Opening(ServerConnection? Connection, SmtpResult? Failure, string? Host)
{
    public static Opening Failed(SmtpStage stage, SmtpCause cause, string detail, string host) =>
        new(null, new SmtpResult(SmtpVerdict.Temporary, stage, cause) { Detail = detail }, host);
}

/// <summary>
/// Opens connections to a site: host after host, address after address, as TLS is required and as the route logs in. Where TLS is
/// opportunistic, a handshake that fails is followed by a connection in clear; else nothing is ever sent in clear.
/// </summary>
internal sealed class SiteConnector(
    RelayOptions options, X509Certificate2Collection? roots, TlsReports reports, RelayMetrics metrics, RelayAlarms alarms,
    TimeProvider time)
{
    /// <summary>A host that failed is tried behind the others for so long.</summary>
    private static readonly TimeSpan Distrust = TimeSpan.FromMinutes(5);

    private const int MaxDistrusted = 10_000;

    private readonly RecentlyUsed<string, long> _distrusted = new(MaxDistrusted);

    /// <param name="from">The first host to be tried.</param>
    public async Task<Opening> OpenAsync(RelayTarget target, int from, ConnectionPermit permit, CancellationToken cancellationToken)
    {
        var (worst, tries) = (default(Opening), 0);
        foreach (var at in Enumerable.Range(from, target.Hosts.Length - from).OrderBy(at => IsDistrusted(target.Hosts[at])))
        {
            foreach (var address in target.Hosts[at].Host.Addresses)
            {
                if (tries == options.MaxAddresses || cancellationToken.IsCancellationRequested)
                {
                    return worst;
                }

                if (!TrySource(permit.Source, address, out var source))
                {
                    continue;
                }

                tries++;
                var opening = await OpenAsync(target, at, new IPEndPoint(address, target.Hosts[at].Port), source, cancellationToken);
                metrics.Opened(opening);
                if (opening.Connection is not null)
                {
                    return opening;
                }

                // What a server said tells more than that another did not answer.
                worst = worst.Failure is null || opening.Failure!.Stage >= worst.Failure.Stage ? opening : worst;
                if (opening.Failure!.Stage > SmtpStage.Connect)
                {
                    break;
                }
            }

            _distrusted.Set(NameOf(target.Hosts[at]), time.GetTimestamp());
        }

        return worst.Failure is not null || from >= target.Hosts.Length
            ? worst
            : Opening.Failed(SmtpStage.Connect, SmtpCause.LocalFailure, "no source address fits the addresses of the servers", target.Hosts[from].Host.Name);
    }

    private bool IsDistrusted(TargetHost host) => _distrusted.TryGet(NameOf(host), out var since) && time.GetElapsedTime(since) < Distrust;

    private static string NameOf(TargetHost host) => string.Create(CultureInfo.InvariantCulture, $"{host.Host.Name}:{host.Port}");

    private static bool TrySource(string? source, IPAddress address, out IPAddress? parsed)
    {
        parsed = source is null ? null : IPAddress.Parse(source);
        return parsed is null || parsed.AddressFamily == address.AddressFamily;
    }

    private async Task<Opening> OpenAsync(RelayTarget target, int at, IPEndPoint server, IPAddress? source, CancellationToken cancellationToken)
    {
        var opening = await OpenAsync(target, at, server, source, inClear: false, cancellationToken);
        return opening.Failure is { Cause: SmtpCause.TlsFailed } && target.Hosts[at].Host.Tls.Level == TlsLevel.Opportunistic
            ? await OpenAsync(target, at, server, source, inClear: true, cancellationToken)
            : opening;
    }

    private async Task<Opening> OpenAsync(
        RelayTarget target, int at, IPEndPoint server, IPAddress? source, bool inClear, CancellationToken cancellationToken)
    {
        var host = target.Hosts[at];
        var (transport, failure) = await ConnectAsync(host.Host.Name, server, source, cancellationToken);
        if (transport is null)
        {
            if (failure!.Value.Failure!.Cause == SmtpCause.TimedOut && server.Port == 25)
            {
                alarms.ConnectTimedOut(target.Key.Site);
            }

            return failure.Value;
        }

        if (server.Port == 25)
        {
            alarms.Connected();
        }

        // Where a route's operator wants no TLS, the login goes in clear.
        var isClearLogin = host.Host.Tls.Level == TlsLevel.None && target.Key.Login.User is not null;
        var smtp = new SmtpClientConnection(transport, isClearLogin ? options.Smtp with { AllowsClearTextLogin = true } : options.Smtp, time, cancellationToken);
        var connection = new ServerConnection(transport, smtp, host, at);
        var result = await GreetAsync(target, host.Host, smtp, inClear);
        if (result.IsAccepted)
        {
            return new Opening(connection, null, null);
        }

        await connection.CloseAsync();
        return new Opening(null, result, host.Host.Name);
    }

    private async Task<(SocketTransport? Transport, Opening? Failure)> ConnectAsync(
        string host, IPEndPoint server, IPAddress? source, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return (await SocketTransport.ConnectAsync(server, source, either.Token), null);
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested
                ? (null, Opening.Failed(SmtpStage.Connect, SmtpCause.Aborted, "aborted", host))
                : (null, Opening.Failed(SmtpStage.Connect, SmtpCause.TimedOut, $"{server} does not answer", host));
        }
        catch (SocketException e)
        {
            var cause = e.SocketErrorCode == SocketError.TimedOut ? SmtpCause.TimedOut : SmtpCause.ConnectionLost;
            return (null, Opening.Failed(SmtpStage.Connect, cause, $"no connection to {server}: {e.SocketErrorCode}", host));
        }
    }

    /// <summary>Greeting, EHLO, TLS, login.</summary>
    private async Task<SmtpResult> GreetAsync(RelayTarget target, DestinationHost host, SmtpClientConnection smtp, bool inClear)
    {
        TlsFailure? tested = null;
        var login = target.Key.Login;
        var policy = inClear ? null : host.Tls.ClientPolicy(host.Name, roots, time, failure => tested = failure);
        var result = await smtp.OpenAsync(login.IsImplicitTls ? policy : null);
        if (result.IsAccepted && policy is not null && !login.IsImplicitTls)
        {
            result = await StartTlsAsync(host, smtp, policy, result);
        }

        if (policy is not null && !target.IsRoute)
        {
            Count(target.Domain, host, smtp, result, tested);
        }

        if (!result.IsAccepted || login.User is null)
        {
            return result;
        }

        result = await smtp.AuthenticateAsync(new PlainCredentials("", login.User, login.Password ?? ""));
        if (result.IsAccepted || result.Verdict == SmtpVerdict.Permanent || result.Cause is SmtpCause.NotOffered or SmtpCause.ServerNotProven)
        {
            alarms.LoggedIn(host.Name, result.IsAccepted ? null : result.Text);
        }

        return result;
    }

    private async Task<SmtpResult> StartTlsAsync(DestinationHost host, SmtpClientConnection smtp, TlsClientPolicy policy, SmtpResult hello)
    {
        var result = await smtp.StartTlsAsync(policy);
        if (result.IsAccepted)
        {
            metrics.Secured(smtp.Tls!.Version);
            return result;
        }

        // Not offered, or refused by a server that goes on.
        return host.Tls.Level == TlsLevel.Opportunistic && !smtp.HasEnded && result.Cause is SmtpCause.NotOffered or SmtpCause.Reply ? hello : result;
    }

    // RFC 8460 §4.3
    private void Count(string domain, DestinationHost host, SmtpClientConnection smtp, SmtpResult result, TlsFailure? tested)
    {
        if ((result.Tls ?? tested) is { } failure)
        {
            reports.Failed(domain, host.Tls.Policy, failure.ResultType(), host.Name, failure.Text);
        }
        else if (smtp.Tls is not null)
        {
            reports.Succeeded(domain, host.Tls.Policy);
        }
        else if (result is { IsAccepted: true } or { Stage: SmtpStage.StartTls, Cause: SmtpCause.NotOffered })
        {
            reports.Failed(domain, host.Tls.Policy, TlsResultType.StartTlsNotSupported, host.Name, null);
        }
    }
}
