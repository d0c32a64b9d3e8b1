using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>An accepted recipient of an open transaction, with the mailboxes that it led to at RCPT.</summary>
/// <param name="Name">
/// The address, where it led to them by names only (a list, a catch-all, postmaster): it may mean something else when the content has come.
/// Null where it was one mailbox, whose id is never used again.
/// </param>
public sealed record AcceptedRecipient(string ForwardPath, IReadOnlyList<LocalTarget> Targets, AddressName? Name);

/// <summary>A mailbox that the message goes to, once in a transaction, under the first recipient that led to it.</summary>
/// <param name="Others">The other recipients that lead to it: the client may repeat the message to one of them alone.</param>
public readonly record struct Hop(LocalTarget Target, string Recipient, IReadOnlyList<string> Others);

/// <summary>One mail transaction (RFC 5321 §3.3) from MAIL to its reply.</summary>
public sealed class Transaction(ReversePath reversePath, MailParameters parameters)
{
    private readonly List<AcceptedRecipient> _recipients = [];

    public ReversePath ReversePath => reversePath;

    public MailParameters Parameters => parameters;

    public IReadOnlyList<AcceptedRecipient> Recipients => _recipients;

    public void Add(AcceptedRecipient recipient) => _recipients.Add(recipient);

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
}
