using System.Net;
using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>One connection's mail: recipients are resolved at RCPT, the content is handed over at the end of DATA, and 250 is said when it is kept.</summary>
public sealed partial class SmtpBackend(
    IPAddress peer, GatewayOptions options, RecipientResolver resolver, HandOver handOver, GatewayMetrics metrics, TimeProvider time,
    ILogger<SmtpBackend> logger) : ISmtpBackend
{
    private static readonly SmtpReply MailboxLoop550 = new(550, new EnhancedCode(4, 6), "This list leads to itself");
    private static readonly SmtpReply ListTooLarge451 = new(451, new EnhancedCode(3, 5), "This list is too large or nested too deep");

    private SmtpHello _hello;
    private TlsFacts? _tls;
    private SaslIdentity? _login;
    private Transaction? _transaction;

    public void Secured(TlsFacts tls) => _tls = tls;

    public void Hello(SmtpHello hello) => _hello = hello;

    public void Authenticated(SaslIdentity identity) => _login = identity;

    public ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken)
    {
        _transaction = new Transaction(reversePath, parameters);
        return new(SmtpReply.SenderOk250);
    }

    public async ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        if (forwardPath.Mailbox is not { } mailbox)
        {
            return await RcptPostmasterAsync(forwardPath, cancellationToken);
        }

        return mailbox.IsAddressLiteral || !AddressName.TryNormalize(mailbox.Localpart, mailbox.Domain, out var address)
            ? SmtpReply.RelayDenied550
            : await AddAsync(forwardPath, address, await resolver.ResolveAsync(address, cancellationToken), cancellationToken);
    }

    public ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken)
    {
        var origin = new MessageOrigin(peer, _hello, EmailId.New(time.GetUtcNow()), time.GetUtcNow()) { Tls = _tls, Login = _login?.Name };
        return new(SmtpContentStart.To(new IncomingMessage(_transaction!, origin, options, handOver, metrics, logger)));
    }

    public void Reset() => _transaction = null;

    public void Failed(Exception failure)
    {
        if (failure is StoreUnavailableException or OrleansException or TimeoutException or OperationCanceledException)
        {
            LogUnavailable(failure.Message);
        }
        else
        {
            LogFailed(failure);
        }
    }

    public ValueTask DisposeAsync() => default;

    /// <summary>
    /// &lt;Postmaster&gt; without a domain is ours (RFC 5321 §4.5.1): that of the hosted domain which our name is, or lies in. Where there is none,
    /// nobody can take the mail yet, and it waits.
    /// </summary>
    private async ValueTask<SmtpReply> RcptPostmasterAsync(ForwardPath forwardPath, CancellationToken cancellationToken)
    {
        for (var domain = options.HostName; ;)
        {
            if (AddressName.TryNormalize("postmaster", domain, out var address) &&
                await resolver.ResolveAsync(address, cancellationToken) is { Outcome: not ResolutionOutcome.NotLocal } resolution)
            {
                return await AddAsync(forwardPath, address, resolution, cancellationToken);
            }

            var dot = domain.IndexOf('.', StringComparison.Ordinal);
            if (dot < 0)
            {
                return SmtpReply.LocalError451;
            }

            domain = domain[(dot + 1)..];
        }
    }

    private async ValueTask<SmtpReply> AddAsync(
        ForwardPath forwardPath, AddressName address, Resolution resolution, CancellationToken cancellationToken)
    {
        switch (resolution.Outcome)
        {
            case ResolutionOutcome.NoSuchUser:
                return SmtpReply.NoSuchMailbox550;
            case ResolutionOutcome.NotLocal:
                return SmtpReply.RelayDenied550;
            case ResolutionOutcome.Loop:
                return MailboxLoop550;
            case ResolutionOutcome.TooLarge:
                return ListTooLarge451;
        }

        var refusal = await CheckAsync(resolution.Targets, cancellationToken);
        if (refusal is null)
        {
            _transaction!.Add(new AcceptedRecipient(forwardPath.Text, resolution.Targets, resolution.IsOwn ? null : address));
        }

        return refusal ?? SmtpReply.RecipientOk250;
    }

    private async ValueTask<SmtpReply?> CheckAsync(IReadOnlyList<LocalTarget> targets, CancellationToken cancellationToken)
    {
        var bytes = _transaction!.Parameters.Size ?? 0;
        if (targets.Count == 1)
        {
            return Refusal(await handOver.CheckAsync(targets[0].Mailbox, bytes, cancellationToken), alone: true);
        }

        var checks = await Task.WhenAll(targets.Select(t => handOver.CheckAsync(t.Mailbox, bytes, cancellationToken).AsTask()));
        return checks.All(c => c == DeliveryStatus.NoMailbox)
            ? SmtpReply.NoSuchMailbox550
            : checks.Select(c => Refusal(c, alone: false)).FirstOrDefault(r => r is not null);
    }

    // An address whose mailbox has gone is about to be deleted or made again: the client's repeat hears what it means then.
    // A member of a list that has gone does not keep the others from their copy; one that is full does, since its copy would be lost.
    private static SmtpReply? Refusal(DeliveryStatus status, bool alone) => status switch
    {
        DeliveryStatus.Delivered => null,
        DeliveryStatus.NoMailbox => alone ? SmtpReply.LocalError451 : null,
        DeliveryStatus.OverQuota => SmtpReply.MailboxFull452,
        DeliveryStatus.StoreFull => SmtpReply.SystemFull452,
        _ => SmtpReply.LocalError451,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "SMTP: a command could not be answered now: {Why}")]
    private partial void LogUnavailable(string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "SMTP: a command failed")]
    private partial void LogFailed(Exception exception);
}
