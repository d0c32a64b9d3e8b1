using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Gateways.Smtp;

/// <summary>What queues took of what mailboxes did not.</summary>
/// <param name="IsWhole">All of it is kept.</param>
/// <param name="Mailboxes">Whose copy a queue has, or may have where its answer did not come: it may be delivering it just now, or have done so.</param>
public sealed record TakeOver(bool IsWhole, IReadOnlySet<MailboxId> Mailboxes)
{
    public static TakeOver OfNothing { get; } = new(false, new HashSet<MailboxId>());

    public static TakeOver Of(IReadOnlyCollection<TakeOver> parts) =>
        new(parts.All(p => p.IsWhole), parts.SelectMany(p => p.Mailboxes).ToHashSet());
}
