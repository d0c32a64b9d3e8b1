using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// Who keeps messages: a mailbox or a queue, by its partition of <see cref="TableNames.Mail"/> and the account that the partition lies in.
/// A holder keeps a message by the row <c>m:{emailId}</c> in its partition.
/// </summary>
/// <param name="Partition">Made of <see cref="TableKey"/>'s characters.</param>
public readonly record struct BodyHolder(int Account, string Partition)
{
    private const string MailboxPrefix = "mailbox:";
    private const string QueuePrefix = "queue:";

    /// <summary>The holder's name in blob names and row keys: <c>{account},{partition}</c>.</summary>
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Account},{Partition}");

    public static BodyHolder Of(MailboxId mailbox) => new(mailbox.Account, PartitionOf(mailbox));

    /// <summary>
    /// The partition of a mailbox, <c>mailbox:{tenant}:{unique}</c>: journal, messages and bodies. The tenant is encoded; the unique part is
    /// ours and holds no colon, so two mailboxes never share a partition.
    /// </summary>
    public static string PartitionOf(MailboxId mailbox) =>
        mailbox.Unique.Contains(':', StringComparison.Ordinal)
            ? throw new ArgumentException($"'{mailbox}' has a colon in its unique part.", nameof(mailbox))
            : string.Concat(MailboxPrefix, TableKey.Encode(mailbox.Tenant), ":", TableKey.Encode(mailbox.Unique));

    public static BodyHolder Of(QueueId queue) => new(queue.Account, PartitionOf(queue));

    /// <summary>The partition of a queue, <c>queue:{tenant}:{domain}:{shard}</c>: journal, messages and bodies.</summary>
    public static string PartitionOf(QueueId queue) => string.Create(
        CultureInfo.InvariantCulture, $"{QueuePrefix}{TableKey.Encode(queue.Tenant)}:{TableKey.Encode(queue.Domain)}:{queue.Shard}");

    public static bool TryParse(string key, [NotNullWhen(true)] out BodyHolder? holder)
    {
        var comma = key.IndexOf(',', StringComparison.Ordinal);
        holder = comma > 0 && comma + 1 < key.Length &&
            int.TryParse(key.AsSpan(0, comma), NumberStyles.None, CultureInfo.InvariantCulture, out var account)
            ? new BodyHolder(account, key[(comma + 1)..])
            : null;
        return holder is not null;
    }
}
