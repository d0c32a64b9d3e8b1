using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Messages.Srs;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// Whether a recipient is taken: what its address means, whether the mailboxes that it leads to have room, and whether the client may send to the other
/// servers that it leads to. That it may where an alias or a backup-MX domain of ours leads there, or where <see cref="Transaction.MayRelay"/> says so.
/// </summary>
public sealed class RecipientCheck(GatewayOptions options, RecipientResolver resolver, QueueChoice queues, ForwardedSender senders, HandOver handOver)
{
    private static readonly SmtpReply MailboxLoop550 = new(550, new EnhancedCode(4, 6), "This list leads to itself");
    private static readonly SmtpReply ListTooLarge451 = new(451, new EnhancedCode(3, 5), "This list is too large or nested too deep");

    /// <summary>Adds it to the transaction, or answers why not.</summary>
    public async ValueTask<SmtpReply> AddAsync(
        Transaction transaction, ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        if (forwardPath.Mailbox is not { } mailbox)
        {
            return await AddPostmasterAsync(transaction, forwardPath, parameters, cancellationToken);
        }

        if (QueueChoice.DomainOf(mailbox) is { } forwarder && senders.Find(mailbox.Localpart, forwarder) is { Status: not SrsStatus.NotRewritten } found &&
            await queues.FindDomainAsync(forwarder, cancellationToken) is { Settings.BackupMx: false } hosted)
        {
            // Nothing but a bounce, or anybody who has such an address could send through us.
            return found.Status == SrsStatus.Reversed && transaction.ReversePath.IsNull
                ? await AddOriginalSenderAsync(transaction, hosted.Tenant, forwardPath, parameters, new Mailbox(found.Localpart, found.Domain), cancellationToken)
                : SmtpReply.NoSuchMailbox550;
        }

        return !mailbox.IsAddressLiteral && AddressName.TryNormalize(mailbox.Localpart, mailbox.Domain, out var address)
            ? await AddAsync(
                transaction, new Asked(forwardPath, parameters, address),
                transaction.IsForeign(address.Domain) ? Resolution.Elsewhere(address.Domain, null) : await resolver.ResolveAsync(address, cancellationToken),
                cancellationToken)
            : await AddForeignAsync(transaction, forwardPath, parameters, mailbox, cancellationToken);
    }

    /// <summary>A bounce of mail that a domain of ours has forwarded goes to whoever sent it.</summary>
    /// <param name="tenant">Of the domain that forwarded it.</param>
    private async ValueTask<SmtpReply> AddOriginalSenderAsync(
        Transaction transaction, string tenant, ForwardPath forwardPath, RcptParameters parameters, Mailbox sender, CancellationToken cancellationToken)
    {
        if (QueueChoice.DomainOf(sender) is not { } domain)
        {
            return SmtpReply.NoSuchMailbox550;
        }

        // The domain may have come to us since.
        var hosted = sender.IsAddressLiteral ? null : await queues.FindDomainAsync(domain, cancellationToken);
        if (hosted is { Settings.BackupMx: false })
        {
            return AddressName.TryNormalize(sender.Localpart, domain, out var address)
                ? await AddAsync(transaction, new Asked(forwardPath, parameters, address), await resolver.ResolveAsync(address, cancellationToken), cancellationToken)
                : SmtpReply.NoSuchMailbox550;
        }

        var elsewhere = new Resolution(ResolutionOutcome.NotLocal, [])
        {
            Remotes = [new RemoteTarget(hosted?.Tenant ?? tenant, domain, sender.ToString())],
        };
        return await AddAsync(transaction, new Asked(forwardPath, parameters, new AddressName("postmaster", domain)), elsewhere, cancellationToken);
    }

    /// <summary>What can be no address of ours: an address literal, or a localpart that is longer, or of other characters, than ours are.</summary>
    private async ValueTask<SmtpReply> AddForeignAsync(
        Transaction transaction, ForwardPath forwardPath, RcptParameters parameters, Mailbox mailbox, CancellationToken cancellationToken)
    {
        if (QueueChoice.DomainOf(mailbox) is not { } domain || (mailbox.IsAddressLiteral && !transaction.MayRelay))
        {
            return SmtpReply.RelayDenied550;
        }

        var hosted = mailbox.IsAddressLiteral || transaction.IsForeign(domain) ? null : await queues.FindDomainAsync(domain, cancellationToken);
        return hosted is { Settings.BackupMx: false }
            ? SmtpReply.NoSuchMailbox550
            : await AddAsync(
                transaction, new Asked(forwardPath, parameters, new AddressName("postmaster", domain)), Resolution.Elsewhere(domain, hosted?.Tenant),
                cancellationToken);
    }

    /// <summary>
    /// &lt;Postmaster&gt; without a domain is ours (RFC 5321 §4.5.1): that of the hosted domain which our name is, or lies in. Where there is none,
    /// nobody can take the mail yet, and it waits.
    /// </summary>
    private async ValueTask<SmtpReply> AddPostmasterAsync(
        Transaction transaction, ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        for (var domain = options.HostName; ;)
        {
            if (AddressName.TryNormalize("postmaster", domain, out var address) &&
                await resolver.ResolveAsync(address, cancellationToken) is { Outcome: not ResolutionOutcome.NotLocal } resolution)
            {
                return await AddAsync(transaction, new Asked(forwardPath, parameters, address), resolution, cancellationToken);
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
        Transaction transaction, Asked asked, Resolution resolution, CancellationToken cancellationToken)
    {
        switch (resolution.Outcome)
        {
            case ResolutionOutcome.NoSuchUser:
                return SmtpReply.NoSuchMailbox550;
            case ResolutionOutcome.Loop:
                return MailboxLoop550;
            case ResolutionOutcome.TooLarge:
                return ListTooLarge451;
        }

        var name = resolution is { IsOwn: true } or { Outcome: ResolutionOutcome.NotLocal } ? null : (AddressName?)asked.Address;
        var accepted = new AcceptedRecipient(asked.ForwardPath.Text, resolution.Targets, name)
        {
            Parameters = asked.Parameters,
            IsList = resolution.Targets.Count + resolution.Remotes.Count > 1,
        };
        if (resolution.Remotes.Count > 0 || GoesByQueue(transaction, accepted, resolution.Remotes))
        {
            var (queued, denied) = await QueueAsync(transaction, asked, accepted, resolution.Remotes, cancellationToken);
            if (denied is not null)
            {
                return denied;
            }

            accepted = accepted with { Queued = queued };
        }

        var refusal = await CheckRoomAsync(accepted, transaction.Parameters.Size ?? 0, cancellationToken);
        if (refusal is null)
        {
            transaction.Add(accepted);
            if (resolution is { Outcome: ResolutionOutcome.NotLocal, Remotes: [{ Tenant: null }] })
            {
                transaction.AddForeign(asked.Address.Domain);
            }
        }

        return refusal ?? SmtpReply.RecipientOk250;
    }

    /// <summary>
    /// A message that is to be released later waits in queues, for mailboxes here too; and a queue delivers, and tells of it, where the sender wants to
    /// hear of success: the report is then as safe as the message. Of a list one queue tells.
    /// </summary>
    private static bool GoesByQueue(Transaction transaction, AcceptedRecipient recipient, IReadOnlyList<RemoteTarget> remotes) =>
        transaction.Parameters.FutureRelease is not null ||
        (recipient.Parameters.Notify.HasFlag(DsnNotify.Success) && !(recipient.IsList && remotes.Count > 0));

    private async ValueTask<(QueuedTarget[] Queued, SmtpReply? Refusal)> QueueAsync(
        Transaction transaction, Asked asked, AcceptedRecipient recipient, IReadOnlyList<RemoteTarget> remotes, CancellationToken cancellationToken)
    {
        var locals = GoesByQueue(transaction, recipient, remotes) ? recipient.Targets : [];

        // All of a transaction for one queue are one message there. RFC 5321 §4.5.3.1.10: the rest comes in another transaction.
        if (transaction.QueuedTargets + remotes.Count + locals.Count > QueuedMessage.MaxRecipients)
        {
            return ([], SmtpReply.TooManyRecipients452);
        }

        var queued = new List<QueuedTarget>(remotes.Count + locals.Count);
        foreach (var remote in remotes)
        {
            if ((remote.Tenant ?? await queues.TenantOfAsync(transaction, cancellationToken)) is not { } tenant)
            {
                return ([], SmtpReply.RelayDenied550);
            }

            var path = PathOf(asked.ForwardPath, remote);
            var queue = await queues.OfAsync(tenant, remote.Domain, transaction.ReversePath, path, cancellationToken);
            queued.Add(new QueuedTarget(queue, path, remote.Member is not null)
            {
                ReversePath = remote.Member is null ? null : await senders.RewriteAsync(transaction, asked.Address.Domain, cancellationToken),
            });
        }

        foreach (var local in locals)
        {
            var queue = await queues.OfAsync(local.Mailbox.Tenant, asked.Address.Domain, transaction.ReversePath, recipient.ForwardPath, cancellationToken);
            queued.Add(new QueuedTarget(queue, recipient.ForwardPath, IsForwarded: false) { Mailbox = local });
        }

        return queued.Any(transaction.Mixes) ? ([], SmtpReply.LocalError451) : ([.. queued], null);
    }

    // The localpart as given, in quotes where it needs them: another server may tell cases apart (RFC 5321 §2.4). The domain is understood by every server.
    private static string PathOf(ForwardPath forwardPath, RemoteTarget remote)
    {
        if (remote.Member is null)
        {
            return new Mailbox(forwardPath.Mailbox?.Localpart ?? "postmaster", remote.Domain).ToString();
        }

        var localpart = remote.Member[..remote.Member.LastIndexOf('@')];
        return localpart.StartsWith('"') ? $"{localpart}@{remote.Domain}" : new Mailbox(localpart, remote.Domain).ToString();
    }

    private async ValueTask<SmtpReply?> CheckRoomAsync(AcceptedRecipient recipient, long bytes, CancellationToken cancellationToken)
    {
        var targets = recipient.Targets;
        if (targets.Count == 0)
        {
            return null;
        }

        var isAlone = recipient.Queued.All(q => q.Mailbox is not null);
        if (isAlone && targets.Count == 1)
        {
            return Refusal(await handOver.CheckAsync(targets[0].Mailbox, bytes, cancellationToken), alone: true);
        }

        var checks = await Task.WhenAll(targets.Select(t => handOver.CheckAsync(t.Mailbox, bytes, cancellationToken).AsTask()));
        return isAlone && checks.All(c => c == DeliveryStatus.NoMailbox)
            ? SmtpReply.NoSuchMailbox550
            : checks.Select(c => Refusal(c, alone: false)).FirstOrDefault(r => r is not null);
    }

    /// <summary>What RCPT said.</summary>
    /// <param name="Address">Of the hosted domain that counts, or of the other server.</param>
    private readonly record struct Asked(ForwardPath ForwardPath, RcptParameters Parameters, AddressName Address);

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
