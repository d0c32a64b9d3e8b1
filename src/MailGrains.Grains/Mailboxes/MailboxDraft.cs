using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Grains.Records;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// What the calls of one batch have decided so far, over the committed state. A call looks first and changes then. Messages that the same
/// batch delivers can't be named by a session yet, since nobody has been told of their UIDs; all else sees the batch's earlier calls.
/// </summary>
internal sealed class MailboxDraft(MailboxState state) : IJournalDraft
{
    /// <summary>How far back the same email id is looked for; see <see cref="HasLately"/>.</summary>
    private const int MaxLately = 256;

    private readonly List<(FolderState Folder, uint UidNext)> _uidNext = [];
    private readonly List<EmailId> _delivered = [];
    private readonly List<string> _keywords = [];
    private DeliveryIdDraft _deliveryIds = state.DeliveryIds.BeginDraft();
    private Dictionary<(int Folder, uint Uid), IndexEntry>? _changed;
    private RecordWriter? _events;
    private long _usedBytes = state.UsedBytes;
    private long _quotaBytes = state.QuotaBytes;
    private long _modSeq = state.HighestModSeq;
    private bool _purging = state.Expunges.Purging.Count > 0;

    public ReadOnlyMemory<byte> Events => _events?.Written ?? default;

    /// <summary>Makes the folders of a new mailbox (RFC 6154) and sets its quota.</summary>
    public void Begin(long quotaBytes, DateTimeOffset now)
    {
        // RFC 9051 §2.3.1.1: the time makes a good UIDVALIDITY: a mailbox made again for the same address gets others.
        var uidValidity = (uint)Math.Max(now.ToUnixTimeSeconds(), 1);
        SetQuota(quotaBytes);
        (string Name, string SpecialUse)[] folders =
            [("INBOX", "\\Inbox"), ("Sent", "\\Sent"), ("Drafts", "\\Drafts"), ("Junk", "\\Junk"), ("Trash", "\\Trash"), ("Archive", "\\Archive")];
        for (var i = 0; i < folders.Length; i++)
        {
            MailboxEvents.WriteFolderMade(Record(), new FolderState(i + 1, folders[i].Name, folders[i].SpecialUse, uidValidity + (uint)i));
        }
    }

    /// <summary>False where it is the quota already.</summary>
    public bool SetQuota(long quotaBytes)
    {
        if (quotaBytes == _quotaBytes)
        {
            return false;
        }

        _quotaBytes = quotaBytes;
        Record().Byte((byte)MailboxEventKind.QuotaSet);
        Record().Number(quotaBytes);
        return true;
    }

    /// <summary>
    /// Takes a message, unless it is kept already or goes over the quota. A folder that does not exist becomes INBOX, so that nothing is lost
    /// by a rule that names a folder which was removed.
    /// </summary>
    public DeliveryDecision Deliver(MailboxDelivery delivery, DateTimeOffset now)
    {
        var id = IdOf(delivery);
        if (_deliveryIds.TryFind(id, now, out var kept) || TryFindAny(delivery.OtherIds, now, out kept) ||
            TryFindAny(delivery.BetterIds, now, out kept))
        {
            return new DeliveryDecision(DeliveryStatus.Repeated, kept);
        }

        var folder = state.FindUse(delivery.SpecialUse) ?? state.Find(delivery.Folder) ?? state.Folders[0];
        if (HasLately(folder, delivery.Email))
        {
            return new DeliveryDecision(DeliveryStatus.Repeated, delivery.Email);
        }

        var bytes = checked((uint)(delivery.Prefix.Length + delivery.Body.Length));
        var uid = UidNextOf(folder);
        if ((_quotaBytes > 0 && _usedBytes + bytes > _quotaBytes) || uid == uint.MaxValue)
        {
            return new DeliveryDecision(DeliveryStatus.OverQuota, default);
        }

        var bits = delivery.Keywords.IsDefaultOrEmpty ? default : BitsOf(delivery.Keywords, add: true, out _);
        var entry = new IndexEntry
        {
            Uid = uid,
            Email = delivery.Email,
            ThreadId = delivery.ThreadId,
            ModSeq = ++_modSeq,
            Bytes = bytes,
            ReceivedAt = delivery.ReceivedAt.ToUnixTimeMilliseconds(),
            Bits = bits,
        };
        MailboxEvents.Write(Record(), new DeliveredEvent(folder.Id, entry, id, now.ToUnixTimeMilliseconds()));
        _deliveryIds.Add(id, delivery.Email);
        AddOtherIds(delivery, now);
        _delivered.Add(delivery.Email);
        _usedBytes += bytes;
        SetUidNext(folder, uid + 1);
        return new DeliveryDecision(DeliveryStatus.Delivered, delivery.Email);
    }

    /// <summary>Null where a segment is not in memory (any more): pin it and come again.</summary>
    public FlagsStored? StoreFlags(FolderState folder, ReadOnlySpan<uint> uids, StoreFlagsRequest request)
    {
        if (Resolve(folder, uids) is not { } entries)
        {
            return null;
        }

        var changed = new List<IndexEntry>();
        var modified = ImmutableArray.CreateBuilder<uint>();
        var bits = BitsOf(request.Keywords, request.Change != FlagsChange.Remove, out var refused);
        var masks = request.Change switch
        {
            FlagsChange.Add => new FlagMasks(default, bits),
            FlagsChange.Remove => new FlagMasks(bits, default),
            _ => new FlagMasks(new FlagBits((MessageFlags)0xFF, ulong.MaxValue), bits),
        };
        foreach (var entry in entries)
        {
            if (entry.IsExpunged)
            {
                continue;
            }

            // RFC 7162 §3.1.3: a message that changed since is left alone and named.
            if (request.UnchangedSince is { } since && entry.ModSeq > since)
            {
                modified.Add(entry.Uid);
            }
            else if (masks.Apply(entry.Bits) != entry.Bits)
            {
                changed.Add(entry);
            }
        }

        return new FlagsStored(ChangeFlags(folder, changed, masks), modified.ToImmutable(), _modSeq) { Refused = refused };
    }

    /// <summary>How many messages went; null where a segment is not in memory (any more).</summary>
    public int? Expunge(FolderState folder, ReadOnlySpan<uint> uids, DateTimeOffset now)
    {
        if (Resolve(folder, uids) is not { } entries)
        {
            return null;
        }

        entries.RemoveAll(e => e.IsExpunged);
        if (entries.Count == 0)
        {
            return 0;
        }

        var expunged = new ExpungedEvent(
            folder.Id, ++_modSeq, now.ToUnixTimeMilliseconds(), UidsOf(entries), entries.Count(e => !e.Bits.IsSeen), entries.Sum(e => (long)e.Bytes));
        MailboxEvents.Write(Record(), expunged);
        _usedBytes -= expunged.Bytes;
        foreach (var entry in entries)
        {
            Change(folder, entry with { IsExpunged = true, ModSeq = expunged.ModSeq });
        }

        return entries.Count;
    }

    /// <summary>Takes the first <paramref name="uids"/> of the oldest expunged messages out of the index; null where a segment is not in memory.</summary>
    /// <returns>False when the log has moved on.</returns>
    public bool? BeginPurge(ExpungeRecord oldest, UidSet uids)
    {
        if (_purging || state.Expunges.Oldest != oldest || state.Find(oldest.Folder) is not { } folder)
        {
            return false;
        }

        if (Resolve(folder, [.. uids.Uids()]) is not { } entries)
        {
            return null;
        }

        var emails = entries.ConvertAll(e => e.Email);
        MailboxEvents.Write(Record(), new PurgeBegunEvent(folder.Id, uids, entries.Sum(e => (long)e.Bytes), emails));
        return _purging = true;
    }

    public void EndPurge()
    {
        if (_purging)
        {
            _purging = false;
            Record().Byte((byte)MailboxEventKind.PurgeEnded);
        }
    }

    private bool TryFindAny(ImmutableArray<DeliveryId> ids, DateTimeOffset now, out EmailId kept)
    {
        foreach (var id in ids.IsDefaultOrEmpty ? [] : ids)
        {
            if (_deliveryIds.TryFind(id, now, out kept))
            {
                return true;
            }
        }

        kept = default;
        return false;
    }

    private void AddOtherIds(MailboxDelivery delivery, DateTimeOffset now)
    {
        foreach (var other in delivery.OtherIds.IsDefaultOrEmpty ? [] : delivery.OtherIds)
        {
            MailboxEvents.Write(Record(), new DeliveryIdAddedEvent(other, delivery.Email, now.ToUnixTimeMilliseconds()));
            _deliveryIds.Add(other, delivery.Email);
        }
    }

    /// <summary>
    /// A message without a Message-ID is known by its email id instead, which the gateway makes once a transaction: so the gateway's own repeat of a
    /// call is recognised, and equal messages of two transactions stay two.
    /// </summary>
    private static DeliveryId IdOf(MailboxDelivery delivery) =>
        delivery.DeliveryId.IsNone ? new DeliveryId(delivery.Email.High, delivery.Email.Low) : delivery.DeliveryId;

    /// <summary>
    /// Two addresses of one transaction that lead to one mailbox give one copy, which the gateway sees to; a second line against it here, since two
    /// entries of one email id would share rows and the purge of one would take the other's. Newest first, as transactions last seconds.
    /// </summary>
    private bool HasLately(FolderState folder, EmailId email)
    {
        var tail = folder.Tail;
        for (var i = tail.Count - 1; i >= 0 && i >= tail.Count - MaxLately; i--)
        {
            if (tail[i].Email == email)
            {
                return true;
            }
        }

        return _delivered.Contains(email);
    }

    private List<IndexEntry>? Resolve(FolderState folder, ReadOnlySpan<uint> ascending)
    {
        var found = new List<IndexEntry>(ascending.Length);
        foreach (var uid in ascending)
        {
            if (_changed is not null && _changed.TryGetValue((folder.Id, uid), out var changed))
            {
                found.Add(changed);
                continue;
            }

            var segment = folder.SegmentFrom(uid);
            if (segment is not null && uid < segment.FirstUid)
            {
                continue;
            }

            var entries = segment is null ? folder.Tail : segment.Entries;
            if (entries is null)
            {
                return null;
            }

            if (entries.Find(uid) is >= 0 and var index)
            {
                found.Add(entries[index]);
            }
        }

        return found;
    }

    private ImmutableArray<uint> ChangeFlags(FolderState folder, List<IndexEntry> entries, FlagMasks masks)
    {
        if (entries.Count == 0)
        {
            return [];
        }

        _modSeq++;
        var unseen = 0;
        foreach (var entry in entries)
        {
            var bits = masks.Apply(entry.Bits);
            unseen += (bits.IsSeen ? 0 : 1) - (entry.Bits.IsSeen ? 0 : 1);
            Change(folder, entry with { Bits = bits, ModSeq = _modSeq });
        }

        MailboxEvents.Write(Record(), new FlagsChangedEvent(folder.Id, _modSeq, masks, UidsOf(entries), unseen));
        return [.. entries.Select(e => e.Uid)];
    }

    /// <summary>The bits of names; where <paramref name="add"/> is set, a new keyword gets one as long as there is room.</summary>
    private FlagBits BitsOf(ImmutableArray<string> names, bool add, out ImmutableArray<string> refused)
    {
        var (flags, keywords) = (MessageFlags.None, 0UL);
        refused = [];
        foreach (var name in names)
        {
            if (KeywordTable.TryFlag(name, out var flag))
            {
                flags |= flag;
            }
            else if (BitOf(name, add) is >= 0 and var bit)
            {
                keywords |= 1UL << bit;
            }
            else if (add)
            {
                refused = refused.Add(name);
            }
        }

        return new FlagBits(flags, keywords);
    }

    private int BitOf(string keyword, bool add)
    {
        var bit = state.Keywords.Find(keyword);
        if (bit < 0 && _keywords.FindIndex(k => k.Equals(keyword, StringComparison.OrdinalIgnoreCase)) is >= 0 and var drafted)
        {
            bit = state.Keywords.Count + drafted;
        }

        if (bit < 0 && add && state.Keywords.Count + _keywords.Count < KeywordTable.MaxKeywords && KeywordTable.IsKeyword(keyword))
        {
            bit = state.Keywords.Count + _keywords.Count;
            _keywords.Add(keyword);
            Record().Byte((byte)MailboxEventKind.KeywordAdded);
            Record().Text(keyword);
        }

        return bit;
    }

    private uint UidNextOf(FolderState folder)
    {
        foreach (var (drafted, uidNext) in _uidNext)
        {
            if (drafted == folder)
            {
                return uidNext;
            }
        }

        return folder.UidNext;
    }

    private void SetUidNext(FolderState folder, uint uidNext)
    {
        _uidNext.RemoveAll(d => d.Folder == folder);
        _uidNext.Add((folder, uidNext));
    }

    private void Change(FolderState folder, in IndexEntry entry) => (_changed ??= [])[(folder.Id, entry.Uid)] = entry;

    private static UidSet UidsOf(List<IndexEntry> entries) => UidSet.Of([.. entries.Select(e => e.Uid)]);

    private RecordWriter Record()
    {
        if (_events is null)
        {
            _events = new RecordWriter();
            _events.Byte(MailboxEvents.Format);
        }

        return _events;
    }
}

/// <param name="Email">The message that the mailbox keeps; default where it keeps none.</param>
internal readonly record struct DeliveryDecision(DeliveryStatus Status, EmailId Email);
