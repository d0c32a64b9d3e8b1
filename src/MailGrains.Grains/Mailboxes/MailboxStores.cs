using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Mailboxes;

/// <summary>What all mailboxes of a silo share: the stores, the memory of their indexes, bounds and times.</summary>
public sealed class MailboxStores(StorageAccounts accounts, BodyBlobs blobs, StoredMessages messages, MailboxOptions options, JournalOptions journal)
{
    public StorageAccounts Accounts { get; } = accounts;

    public BodyBlobs Blobs { get; } = blobs;

    public StoredMessages Messages { get; } = messages;

    public MailboxOptions Options { get; } = options;

    public JournalOptions Journal { get; } = journal;

    public PurgeCalendar Calendar { get; } = new(accounts);

    public SegmentBudget Segments { get; } = new(options.SegmentMemoryBytes);
}
