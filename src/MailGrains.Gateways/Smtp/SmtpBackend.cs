using System.Globalization;
using System.Net;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Text;
using MailGrains.Gateways.Accounts;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Submissions;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>One connection's mail: recipients are resolved at RCPT, the content is handed over at the end of DATA, and 250 is said when it is kept.</summary>
public sealed partial class SmtpBackend(SmtpListener listener, PeerFacts peer, IPEndPoint? local, SmtpParts parts) : ISmtpBackend
{
    private static readonly SmtpReply TooManyMessages450 = new(450, new EnhancedCode(7, 1), "Too many messages from your address, try again in a minute");
    private static readonly SmtpReply TooManyRecipients450 = new(450, new EnhancedCode(7, 1), "Too many recipients from your address, try again in a minute");
    private static readonly SmtpReply TooManyUnknown421 = new(421, new EnhancedCode(7, 0), "Too many unknown recipients from your address");

    private SmtpHello _hello;
    private EhloCheck? _ehlo;
    private TlsFacts? _tls;
    private AccountIdentity? _login;
    private Submission? _submission;
    private Transaction? _transaction;

    public void Secured(TlsFacts tls) => _tls = tls;

    public void Hello(SmtpHello hello) => (_hello, _ehlo) = (hello, null);

    public void Authenticated(SaslIdentity identity)
    {
        _login = (AccountIdentity)identity;
        _submission = parts.SubmissionOf(_login.Account);
    }

    public async ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken)
    {
        if (listener == SmtpListener.Exchange && !parts.Budgets.TryTakeMessage(peer))
        {
            return TooManyMessages450;
        }

        if (_submission is not null && await _submission.CheckSenderAsync(reversePath, cancellationToken) is { } refusal)
        {
            return refusal;
        }

        _transaction = new Transaction(reversePath, parameters)
        {
            MayRelay = _login is not null || (listener == SmtpListener.Exchange && peer.MayRelay),
            RelayTenant = _login?.Account.Tenant,
        };
        return SmtpReply.SenderOk250;
    }

    public async ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        if (listener == SmtpListener.Exchange && await RefuseClientAsync(forwardPath) is { } refusal)
        {
            return refusal;
        }

        var reply = await parts.Recipients.AddAsync(_transaction!, forwardPath, parameters, cancellationToken);
        return reply.IsPermanentFailure && listener == SmtpListener.Exchange && !parts.Budgets.TryTakeFailedRecipient(peer) ? TooManyUnknown421 : reply;
    }

    public async ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken)
    {
        if (_submission is not null && await _submission.TakeAllowanceAsync(_transaction!.Recipients.Count, cancellationToken) is { } refusal)
        {
            return SmtpContentStart.Refuse(refusal);
        }

        var now = parts.Time.GetUtcNow();
        var reverseName = await peer.ReverseName;
        _ehlo ??= EhloCheck.Of(
            _hello.Name, peer.Address, local?.Address, parts.Options.HostName, reverseName, await IsHostedAsync(_hello.Name, cancellationToken));
        var origin = new MessageOrigin(peer.Address, _hello, EmailId.New(now), now)
        {
            Tls = _tls,
            Login = _login?.Name,
            Client = new ClientRecord(_hello, _ehlo.Value, reverseName),
        };
        var message = new IncomingMessage(_transaction!, origin, parts.Options, parts.HandOver, parts.Metrics, parts.Logger);
        return SmtpContentStart.To(_submission?.Wrap(message, _transaction!.Parameters.SmtpUtf8) ?? message);
    }

    public ValueTask<SmtpReply> EtrnAsync(EtrnNode node, CancellationToken cancellationToken) =>
        parts.Budgets.TryTakeMessage(peer) ? parts.QueueStarts.StartAsync(node, cancellationToken) : new(TooManyMessages450);

    public void Reset() => _transaction = null;

    public void Failed(Exception failure)
    {
        if (failure is StoreUnavailableException or OrleansException or TimeoutException or OperationCanceledException)
        {
            LogUnavailable(parts.Logger, new LogText(failure.Message));
        }
        else
        {
            LogFailed(parts.Logger, failure);
        }
    }

    public ValueTask DisposeAsync() => default;

    // Of a trusted client, or a user, it makes no difference.
    private async ValueTask<bool> IsHostedAsync(string name, CancellationToken cancellationToken) =>
        listener == SmtpListener.Exchange && !peer.IsTrusted && AddressName.TryNormalizeDomain(name, out var domain) &&
        await parts.Grains.GetGrain<IDomainGrain>(domain).FindAsync(cancellationToken) is not null;

    private async ValueTask<SmtpReply?> RefuseClientAsync(ForwardPath forwardPath)
    {
        if (!parts.Budgets.TryTakeRecipient(peer))
        {
            return TooManyRecipients450;
        }

        // RFC 5321 §4.5.1: postmaster is reachable for everybody, those on block lists above all.
        if (await peer.Listing is not { } listing || forwardPath.IsPostmaster ||
            string.Equals(forwardPath.Mailbox?.Localpart, "postmaster", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var text = listing.Text is null ? "" : $"; {listing.Text}";
        return new SmtpReply(
            554, new EnhancedCode(7, 1),
            string.Create(CultureInfo.InvariantCulture, $"Client {peer.Address} is on the block list {listing.Zone} ({listing.Code}){text}"));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "SMTP: a command could not be answered now: {Why}")]
    private static partial void LogUnavailable(ILogger logger, LogText why);

    [LoggerMessage(Level = LogLevel.Error, Message = "SMTP: a command failed")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
