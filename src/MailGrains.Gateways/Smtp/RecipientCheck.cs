using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>Whether a recipient is taken: what its address means, and whether the mailboxes that it leads to have room.</summary>
public sealed class RecipientCheck(GatewayOptions options, RecipientResolver resolver, HandOver handOver)
{
    private static readonly SmtpReply MailboxLoop550 = new(550, new EnhancedCode(4, 6), "This list leads to itself");
    private static readonly SmtpReply ListTooLarge451 = new(451, new EnhancedCode(3, 5), "This list is too large or nested too deep");

    /// <summary>Adds it to the transaction, or answers why not.</summary>
    public async ValueTask<SmtpReply> AddAsync(Transaction transaction, ForwardPath forwardPath, CancellationToken cancellationToken)
    {
        if (forwardPath.Mailbox is not { } mailbox)
        {
            return await AddPostmasterAsync(transaction, forwardPath, cancellationToken);
        }

        return mailbox.IsAddressLiteral || !AddressName.TryNormalize(mailbox.Localpart, mailbox.Domain, out var address)
            ? SmtpReply.RelayDenied550
            : await AddAsync(transaction, forwardPath, address, await resolver.ResolveAsync(address, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// &lt;Postmaster&gt; without a domain is ours (RFC 5321 §4.5.1): that of the hosted domain which our name is, or lies in. Where there is none,
    /// nobody can take the mail yet, and it waits.
    /// </summary>
    private async ValueTask<SmtpReply> AddPostmasterAsync(Transaction transaction, ForwardPath forwardPath, CancellationToken cancellationToken)
    {
        for (var domain = options.HostName; ;)
        {
            if (AddressName.TryNormalize("postmaster", domain, out var address) &&
                await resolver.ResolveAsync(address, cancellationToken) is { Outcome: not ResolutionOutcome.NotLocal } resolution)
            {
                return await AddAsync(transaction, forwardPath, address, resolution, cancellationToken);
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
        Transaction transaction, ForwardPath forwardPath, AddressName address, Resolution resolution, CancellationToken cancellationToken)
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

        var refusal = await CheckRoomAsync(resolution.Targets, transaction.Parameters.Size ?? 0, cancellationToken);
        if (refusal is null)
        {
            transaction.Add(new AcceptedRecipient(forwardPath.Text, resolution.Targets, resolution.IsOwn ? null : address));
        }

        return refusal ?? SmtpReply.RecipientOk250;
    }

    private async ValueTask<SmtpReply?> CheckRoomAsync(IReadOnlyList<LocalTarget> targets, long bytes, CancellationToken cancellationToken)
    {
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
}
