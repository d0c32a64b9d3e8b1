using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>
/// Reads committed state for sessions, segment by segment: one at a time is held in memory, whatever the size of the folder. What changes in between
/// is seen or not, but no message that stays is missed or told twice.
/// </summary>
internal static class IndexReader
{
    public static async ValueTask<MessagePage> ListAsync(
        this MailboxState mailbox, FolderState folder, uint afterUid, int limit, CancellationToken cancellationToken)
    {
        var page = ImmutableArray.CreateBuilder<MessageEntry>();
        for (var next = (ulong)afterUid + 1; next <= uint.MaxValue;)
        {
            if (folder.SegmentFrom((uint)next) is not { } segment)
            {
                var more = AddTo(page, mailbox, folder.Tail, (uint)next, limit);
                return new MessagePage(page.ToImmutable(), more);
            }

            using var pin = await mailbox.PinAsync(segment, cancellationToken);
            if (AddTo(page, mailbox, segment.Entries!, (uint)next, limit))
            {
                return new MessagePage(page.ToImmutable(), true);
            }

            next = (ulong)segment.LastUid + 1;
        }

        return new MessagePage(page.ToImmutable(), false);
    }

    /// <summary>The live messages among <paramref name="emails"/>, with their sizes.</summary>
    public static async ValueTask<ImmutableArray<MessageContent>> FindAsync(
        this MailboxState mailbox, ImmutableArray<EmailId> emails, CancellationToken cancellationToken)
    {
        var wanted = emails.ToHashSet();
        var found = new Dictionary<EmailId, MessageContent>();
        foreach (var folder in mailbox.Folders.ToList())
        {
            Find(folder.Tail, wanted, found);
            foreach (var segment in folder.Segments.Where(s => wanted.Any(s.MayHold)).ToList())
            {
                if (wanted.Count > 0)
                {
                    using var pin = await mailbox.PinAsync(segment, cancellationToken);
                    Find(segment.Entries!, wanted, found);
                }
            }
        }

        return [.. emails.Where(found.ContainsKey).Select(e => found[e])];
    }

    /// <summary>
    /// Keeps the segments of the first UIDs in memory, so that a call about them can be decided.
    /// </summary>
    /// <returns>How many of the UIDs are covered: one commit's worth.</returns>
    public static async ValueTask<int> PinNextAsync(
        this MailboxState mailbox, FolderState folder, ReadOnlyMemory<uint> ascending, List<SegmentPin> pins, CancellationToken cancellationToken)
    {
        var most = Math.Min(ascending.Length, mailbox.Limits.MaxChangedMessages);
        var covered = 0;
        while (covered < most)
        {
            var uid = ascending.Span[covered];
            if (folder.SegmentFrom(uid) is not { } segment)
            {
                return most;
            }

            if (uid >= segment.FirstUid)
            {
                if (pins.Count == mailbox.Limits.MaxPinnedSegments)
                {
                    return covered;
                }

                pins.Add(await mailbox.PinAsync(segment, cancellationToken));
            }

            var end = uid < segment.FirstUid ? segment.FirstUid - 1 : segment.LastUid;
            while (covered < most && ascending.Span[covered] <= end)
            {
                covered++;
            }
        }

        return covered;
    }

    /// <summary>Adds live entries from <paramref name="fromUid"/> on; true where there is one more than the limit lets in.</summary>
    private static bool AddTo(
        ImmutableArray<MessageEntry>.Builder page, MailboxState mailbox, EntryList entries, uint fromUid, int limit)
    {
        for (var i = entries.LowerBound(fromUid); i < entries.Count; i++)
        {
            ref var entry = ref entries[i];
            if (entry.IsExpunged)
            {
                continue;
            }

            if (page.Count == limit)
            {
                return true;
            }

            page.Add(new MessageEntry(
                entry.Uid, entry.Email, entry.ThreadId, entry.ModSeq, entry.Bytes,
                DateTimeOffset.FromUnixTimeMilliseconds(entry.ReceivedAt), mailbox.Keywords.Names(entry.Bits)));
        }

        return false;
    }

    private static void Find(EntryList entries, HashSet<EmailId> wanted, Dictionary<EmailId, MessageContent> found)
    {
        for (var i = 0; i < entries.Count && wanted.Count > 0; i++)
        {
            ref var entry = ref entries[i];
            if (!entry.IsExpunged && wanted.Remove(entry.Email))
            {
                found[entry.Email] = new MessageContent(entry.Email, entry.Bytes);
            }
        }
    }
}
