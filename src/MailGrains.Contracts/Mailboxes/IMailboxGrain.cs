using System.Collections.Immutable;
using MailGrains.Contracts.Calls;
using MailGrains.Contracts.Delivery;

namespace MailGrains.Contracts.Mailboxes;

/// <summary>
/// One mailbox: folders, the index of its messages, flags, quota, all on a journal that is fenced by the store. Key:
/// <see cref="MailboxId.ToString"/>. A mailbox exists by its stored header; without one every call says so, and nothing is ever changed.
/// What fails for a while is a <see cref="StoreUnavailableException"/>, except where a result can say it.
/// </summary>
[Alias("mailgrains.IMailboxGrain")]
public interface IMailboxGrain : IGrainWithStringKey
{
    /// <summary>Makes the mailbox, with its special-use folders; a repeat changes the quota. False when the id was deleted.</summary>
    /// <param name="quotaBytes">0: no limit.</param>
    [Alias("Create")]
    ValueTask<bool> CreateAsync(long quotaBytes, CancellationToken cancellationToken);

    /// <summary>Turns the mailbox into a tombstone; its rows and blobs go later. A repeat does nothing.</summary>
    [Alias("Delete")]
    ValueTask DeleteAsync(CancellationToken cancellationToken);

    /// <summary>Whether a message of that many bytes would be taken now; asked at RCPT.</summary>
    [Alias("CheckDelivery"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<DeliveryStatus> CheckDeliveryAsync(long bytes, CancellationToken cancellationToken);

    [Alias("Deliver")]
    ValueTask<DeliveryResult> DeliverAsync(MailboxDelivery delivery, CancellationToken cancellationToken);

    /// <summary>Folders, use of the quota; null when there is no such mailbox.</summary>
    [Alias("GetOverview"), MayRepeat]
    ValueTask<MailboxOverview?> GetOverviewAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Messages of a folder by UID, from <paramref name="afterUid"/> (exclusive), at most <paramref name="limit"/>, and at most
    /// <see cref="MailboxLimits.MaxPage"/>; null when there is no such mailbox or folder.
    /// </summary>
    [Alias("ListMessages"), MayRepeat]
    ValueTask<MessagePage?> ListMessagesAsync(int folder, uint afterUid, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Which of these messages (at most <see cref="MailboxLimits.MaxPage"/>) are in the mailbox, for a session that reads them from the store;
    /// messages that are gone are left out.
    /// </summary>
    [Alias("GetContent"), MayRepeat]
    ValueTask<ImmutableArray<MessageContent>> GetContentAsync(ImmutableArray<EmailId> emails, CancellationToken cancellationToken);

    /// <summary>Sets and clears flags and keywords; answers the UIDs that changed, with their new modseq.</summary>
    [Alias("StoreFlags")]
    ValueTask<FlagsStored> StoreFlagsAsync(StoreFlagsRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Takes messages out of index and quota in one commit (up to 32,768 messages; more take several); UIDs that are gone already are passed over.
    /// Answers how many went.
    /// </summary>
    [Alias("Expunge"), MayRepeat]
    ValueTask<int> ExpungeAsync(int folder, ImmutableArray<uint> uids, CancellationToken cancellationToken);
}

/// <summary>Bounds of <see cref="IMailboxGrain"/>'s calls.</summary>
public static class MailboxLimits
{
    /// <summary>Messages in one answer.</summary>
    public const int MaxPage = 5_000;
}

/// <summary>A folder's state; <see cref="SpecialUse"/> as in RFC 6154 (<c>\Sent</c> …), empty for none, <c>\Inbox</c> for INBOX.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.FolderOverview")]
public sealed record FolderOverview(
    [property: Id(0)] int Id, [property: Id(1)] string Name, [property: Id(2)] string SpecialUse, [property: Id(3)] uint UidValidity,
    [property: Id(4)] uint UidNext, [property: Id(5)] long HighestModSeq, [property: Id(6)] int Messages, [property: Id(7)] int Unseen);

[GenerateSerializer, Immutable, Alias("mailgrains.MailboxOverview")]
public sealed record MailboxOverview(
    [property: Id(0)] long QuotaBytes, [property: Id(1)] long UsedBytes, [property: Id(2)] ImmutableArray<FolderOverview> Folders);

/// <summary>A message in a folder; <see cref="Bytes"/> counts prefix and content, <see cref="Keywords"/> holds system flags too.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.MessageEntry")]
public sealed record MessageEntry(
    [property: Id(0)] uint Uid, [property: Id(1)] EmailId Email, [property: Id(2)] ulong ThreadId, [property: Id(3)] long ModSeq,
    [property: Id(4)] long Bytes, [property: Id(5)] DateTimeOffset ReceivedAt, [property: Id(6)] ImmutableArray<string> Keywords);

/// <param name="More">There are messages after the last one of the page.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.MessagePage")]
public sealed record MessagePage([property: Id(0)] ImmutableArray<MessageEntry> Messages, [property: Id(1)] bool More);

/// <summary>
/// The row that holds a message (account and partition of the mail table) is read by the session itself; see
/// MailGrains.Storage.Bodies.StoredMessages.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.MessageContent")]
public sealed record MessageContent([property: Id(0)] EmailId Email, [property: Id(1)] long Bytes);

public enum FlagsChange
{
    Add = 1,
    Remove = 2,
    Replace = 3,
}

/// <param name="UnchangedSince">RFC 7162: messages with a higher modseq are left alone; null for no condition.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.StoreFlagsRequest")]
public sealed record StoreFlagsRequest(
    [property: Id(0)] int Folder, [property: Id(1)] ImmutableArray<uint> Uids, [property: Id(2)] FlagsChange Change,
    [property: Id(3)] ImmutableArray<string> Keywords, [property: Id(4)] long? UnchangedSince);

/// <param name="Modified">UIDs that <see cref="StoreFlagsRequest.UnchangedSince"/> kept from being changed.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.FlagsStored")]
public sealed record FlagsStored(
    [property: Id(0)] ImmutableArray<uint> Changed, [property: Id(1)] ImmutableArray<uint> Modified, [property: Id(2)] long ModSeq)
{
    public static FlagsStored Nothing { get; } = new([], [], 0);

    /// <summary>Keywords that got no bit: the mailbox's table is full, or they are no keywords (RFC 9051 §9).</summary>
    [Id(3)]
    public ImmutableArray<string> Refused { get; init; } = [];
}
