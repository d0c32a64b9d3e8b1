using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>An accepted recipient of an open transaction, with what it led to at RCPT.</summary>
/// <param name="Targets">Mailboxes here.</param>
/// <param name="Name">
/// The address, where it led to them by names only (a list, a catch-all, postmaster): it may mean something else when the content has come.
/// Null where it was one mailbox, whose id is never used again, or another server's address.
/// </param>
public sealed record AcceptedRecipient(string ForwardPath, IReadOnlyList<LocalTarget> Targets, AddressName? Name)
{
    /// <summary>Copies that go by queues.</summary>
    public IReadOnlyList<QueuedTarget> Queued { get; init; } = [];

    /// <summary>What its sender wants to hear of it.</summary>
    public RcptParameters Parameters { get; init; }

    /// <summary>The address leads to several.</summary>
    public bool IsList { get; init; }
}

/// <summary>An address at another server, or a mailbox here, and the queue that takes its copy.</summary>
/// <param name="ForwardPath">As the other server gets it, without angle brackets.</param>
/// <param name="IsForwarded">An alias of ours leads to another server: its sender has not named the address.</param>
public readonly record struct QueuedTarget(QueueId Queue, string ForwardPath, bool IsForwarded)
{
    /// <summary>What stands in for the transaction's reverse-path where the mail is forwarded; null: nothing does.</summary>
    public string? ReversePath { get; init; }

    /// <summary>One of the recipient's targets here, to which the queue delivers; null: another server's.</summary>
    public LocalTarget? Mailbox { get; init; }
}

/// <summary>A mailbox that the message goes to, once in a transaction, under the first recipient that led to it.</summary>
/// <param name="Others">The other recipients that lead to it: the client may repeat the message to one of them alone.</param>
public readonly record struct Hop(LocalTarget Target, string Recipient, IReadOnlyList<string> Others);

/// <summary>A copy that goes by a queue.</summary>
/// <param name="Others">With a mailbox: all recipients of the transaction that lead to it.</param>
public readonly record struct QueuedCopy(AcceptedRecipient Recipient, QueuedTarget Target, IReadOnlyList<string> Others)
{
    /// <summary>The list of which its sender is to hear, with this copy and no other, that it got the message; null: none.</summary>
    public string? List { get; init; }
}

/// <summary>A queue that the message goes to, once in a transaction, with all copies that it takes.</summary>
public readonly record struct QueueHop(QueueId Queue, IReadOnlyList<QueuedCopy> Copies);

/// <summary>One mail transaction (RFC 5321 §3.3) from MAIL to its reply.</summary>
public sealed class Transaction(ReversePath reversePath, MailParameters parameters)
{
    private readonly List<AcceptedRecipient> _recipients = [];

    // Whether a queue gets copies for mailboxes.
    private Dictionary<QueueId, bool>? _queues;

    private HashSet<string>? _foreign;

    public ReversePath ReversePath => reversePath;

    public MailParameters Parameters => parameters;

    /// <summary>The client may send to other servers.</summary>
    public bool MayRelay { get; init; }

    /// <summary>Whose queues take what it sends there; null: not known yet.</summary>
    public string? RelayTenant { get; set; }

    /// <summary>The sender's domain is hosted here; null: not known yet.</summary>
    public bool? SenderIsHosted { get; set; }

    public IReadOnlyList<AcceptedRecipient> Recipients => _recipients;

    /// <summary>How many copies go by queues.</summary>
    public int QueuedTargets { get; private set; }

    public void Add(AcceptedRecipient recipient)
    {
        _recipients.Add(recipient);
        QueuedTargets += recipient.Queued.Count;
        foreach (var target in recipient.Queued)
        {
            (_queues ??= [])[target.Queue] = target.Mailbox is not null;
        }
    }

    /// <summary>
    /// A recipient of the domain was taken for another server, so that the next ones of it need not ask whose it is: all of them go the same way, as if they
    /// had been named at once. What it led to is no older than the transaction.
    /// </summary>
    public bool IsForeign(string domain) => _foreign?.Contains(domain) == true;

    public void AddForeign(string domain) => (_foreign ??= new(StringComparer.Ordinal)).Add(domain);

    /// <summary>
    /// Whether the target's queue takes copies of the other kind: for mailboxes here, or for other servers. It takes one message of a transaction, of one
    /// kind; both come only where the domain became, or is no more, a backup MX's since the last RCPT.
    /// </summary>
    public bool Mixes(QueuedTarget target) => _queues is not null && _queues.TryGetValue(target.Queue, out var local) && local != target.Mailbox is not null;

    public bool HasCopiesFor(QueueId queue) => _queues?.ContainsKey(queue) == true;

    /// <summary>Each mailbox once, however many recipients lead to it, in the order of the recipients; none whose copy goes by a queue.</summary>
    public IReadOnlyList<Hop> Hops()
    {
        if (_recipients is [{ Targets: [var only], Queued: [] } single])
        {
            return [new Hop(only, single.ForwardPath, [])];
        }

        var byQueue = QueuedMailboxes();
        var others = new Dictionary<MailboxId, List<string>>();
        var hops = new List<Hop>();
        foreach (var recipient in _recipients)
        {
            foreach (var target in recipient.Targets)
            {
                if (byQueue.Contains(target.Mailbox))
                {
                    continue;
                }

                if (others.TryGetValue(target.Mailbox, out var more))
                {
                    more.Add(recipient.ForwardPath);
                }
                else
                {
                    others.Add(target.Mailbox, more = []);
                    hops.Add(new Hop(target, recipient.ForwardPath, more));
                }
            }
        }

        return hops;
    }

    /// <summary>Each queue once, with each address or mailbox that it is to send to once for each recipient.</summary>
    public IReadOnlyList<QueueHop> QueueHops()
    {
        if (QueuedTargets == 0)
        {
            return [];
        }

        var mailboxes = QueuedMailboxes();
        var others = _recipients
            .SelectMany(r => r.Targets, (r, target) => (target.Mailbox, r.ForwardPath))
            .Where(r => mailboxes.Contains(r.Mailbox))
            .ToLookup(r => r.Mailbox, r => r.ForwardPath);
        var told = new HashSet<string>(StringComparer.Ordinal);
        return [.. _recipients
            .SelectMany(r => r.Queued, (r, target) => new QueuedCopy(r, target, target.Mailbox is { } local ? [.. others[local.Mailbox].Take(DeliveryRequest.MaxOtherIds + 1)] : []))
            .Select(copy => copy.Recipient.IsList && copy.Recipient.Parameters.Notify.HasFlag(DsnNotify.Success) && told.Add(copy.Recipient.ForwardPath)
                ? copy with { List = copy.Recipient.ForwardPath }
                : copy)
            .GroupBy(
                copy => (copy.Target.Queue, copy.Target.ForwardPath, copy.Target.Mailbox?.Mailbox),
                (_, same) => same.First() with { List = same.Select(copy => copy.List).FirstOrDefault(list => list is not null) })
            .GroupBy(copy => copy.Target.Queue, (queue, copies) => new QueueHop(queue, [.. copies]))];
    }

    private HashSet<MailboxId> QueuedMailboxes() => QueuedTargets == 0
        ? []
        : [.. _recipients.SelectMany(r => r.Queued).Select(q => q.Mailbox?.Mailbox).OfType<MailboxId>()];
}
