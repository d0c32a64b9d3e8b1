using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;

namespace MailGrains.Grains.Notices;

/// <summary>What one report tells; the names are part of its delivery id.</summary>
internal enum NoticePurpose
{
    Failed = 1,
    Delayed = 2,

    /// <summary>Delivered, passed on to a list, or relayed to a server that does not report.</summary>
    Done = 3,

    /// <summary>To the tenant's postmaster: mail without a sender could not be delivered.</summary>
    Undeliverable = 4,
}

/// <summary>One report that is to be sent.</summary>
internal sealed record PlannedReport(NoticePurpose Purpose, string To, IReadOnlyList<Notice> Notices)
{
    private const string PostmasterType = "x-mailgrains-postmaster;";

    /// <summary>
    /// Of what became of a message, what is told to whom. NOTIFY (RFC 3461 §4.1) decides; the sender of what a filter took for unwanted is seldom the one
    /// who is named, and hears nothing. What has no sender is told to nobody but, where there is one, the tenant's postmaster, and of a report to
    /// him he is not told again.
    /// </summary>
    /// <param name="postmaster">The tenant's, where it wants to hear of mail without a sender; else null.</param>
    public static IReadOnlyList<PlannedReport> Of(QueuedMessage message, IReadOnlyList<Notice> notices, string? postmaster)
    {
        if (message.ReversePath.Length == 0)
        {
            return postmaster is null ? [] : Group(message, notices, postmaster, (recipient, kind) =>
                PurposeOf(kind) == NoticePurpose.Failed && recipient.OriginalRecipient?.StartsWith(PostmasterType, StringComparison.Ordinal) != true
                    ? NoticePurpose.Undeliverable
                    : null);
        }

        return Group(message, notices, message.ReversePath, (recipient, kind) => !recipient.IsJunk && Wants(recipient.Notify, kind) ? PurposeOf(kind) : null);
    }

    /// <summary>The original recipient (RFC 3461 §4.2) of a report to a postmaster, by which it is known whatever the address leads to, another tenant's mailbox as well.</summary>
    public static string OriginalOf(string postmaster) => $"{PostmasterType}{postmaster}";

    private static List<PlannedReport> Group(
        QueuedMessage message, IReadOnlyList<Notice> notices, string to, Func<QueuedRecipient, NoticeKind, NoticePurpose?> choose) =>
    [
        .. notices
            .Where(notice => notice.Recipient < message.Recipients.Length)
            .GroupBy(notice => choose(message.Recipients[notice.Recipient], notice.Kind))
            .Where(group => group.Key is not null)
            .Select(group => new PlannedReport(group.Key!.Value, to, [.. group])),
    ];

    private static NoticePurpose PurposeOf(NoticeKind kind) => kind switch
    {
        NoticeKind.Failed or NoticeKind.Expired => NoticePurpose.Failed,
        NoticeKind.Delayed => NoticePurpose.Delayed,
        _ => NoticePurpose.Done,
    };

    // A list's members are told of by the list alone, and that only where it was asked for.
    private static bool Wants(NotifyOn notify, NoticeKind kind) => kind == NoticeKind.Expanded || ((notify & NotifyOn.Never) == 0 && PurposeOf(kind) switch
    {
        NoticePurpose.Failed => notify == NotifyOn.Unspecified || (notify & NotifyOn.Failure) != 0,
        NoticePurpose.Delayed => notify == NotifyOn.Unspecified || (notify & NotifyOn.Delay) != 0,
        _ => (notify & NotifyOn.Success) != 0,
    });
}
