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
    /// <summary>Addresses at other servers.</summary>
    public IReadOnlyList<QueuedTarget> Queued { get; init; } = [];
}

/// <summary>An address at another server, and the queue that takes its copy.</summary>
/// <param name="ForwardPath">As that server gets it, without angle brackets.</param>
/// <param name="IsForwarded">An alias of ours leads there: its sender has not named it.</param>
public readonly record struct QueuedTarget(QueueId Queue, string ForwardPath, bool IsForwarded);

/// <summary>A mailbox that the message goes to, once in a transaction, under the first recipient that led to it.</summary>
/// <param name="Others">The other recipients that lead to it: the client may repeat the message to one of them alone.</param>
public readonly record struct Hop(LocalTarget Target, string Recipient, IReadOnlyList<string> Others);

/// <summary>A queue that the message goes to, once in a transaction, with all recipients that it takes.</summary>
public readonly record struct QueueHop(QueueId Queue, IReadOnlyList<QueuedTarget> Recipients);

/// <summary>One mail transaction (RFC 5321 §3.3) from MAIL to its reply.</summary>
public sealed class Transaction(ReversePath reversePath, MailParameters parameters)
{
    private readonly List<AcceptedRecipient> _recipients = [];

    public ReversePath ReversePath => reversePath;

    public MailParameters Parameters => parameters;

    /// <summary>The client may send to other servers.</summary>
    public bool MayRelay { get; init; }

    /// <summary>Whose queues take what it sends there; null: not known yet.</summary>
    public string? RelayTenant { get; set; }

    public IReadOnlyList<AcceptedRecipient> Recipients => _recipients;

    /// <summary>How many addresses at other servers the recipients lead to.</summary>
    public int QueuedTargets { get; private set; }

    public void Add(AcceptedRecipient recipient)
    {
        _recipients.Add(recipient);
        QueuedTargets += recipient.Queued.Count;
    }

    /// <summary>Each mailbox once, however many recipients lead to it, in the order of the recipients.</summary>
    public IReadOnlyList<Hop> Hops()
    {
        if (_recipients is [{ Targets: [var only] } single])
        {
            return [new Hop(only, single.ForwardPath, [])];
        }

        var others = new Dictionary<MailboxId, List<string>>();
        var hops = new List<Hop>();
        foreach (var recipient in _recipients)
        {
            foreach (var target in recipient.Targets)
            {
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

    /// <summary>Each queue once, with each address that it is to send to once.</summary>
    public IReadOnlyList<QueueHop> QueueHops() => QueuedTargets == 0
        ? []
        : [.. _recipients
            .SelectMany(r => r.Queued)
            .DistinctBy(target => (target.Queue, target.ForwardPath))
            .GroupBy(target => target.Queue, (queue, targets) => new QueueHop(queue, [.. targets]))];
}
