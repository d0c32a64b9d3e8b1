using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>What a mailbox should be, in the simplest words: lists and sets, everything in memory, nothing stored.</summary>
internal sealed class MailboxModel
{
    private readonly Dictionary<DeliveryId, EmailId> _taken = [];
    private readonly List<(int Folder, ModelMessage Message)> _expunged = [];
    private readonly HashSet<EmailId> _delivered = [];

    public List<ModelMessage>[] Folders { get; } = [.. Enumerable.Range(0, 6).Select(_ => new List<ModelMessage>())];

    public uint[] UidNext { get; } = [1, 1, 1, 1, 1, 1];

    public long ModSeq { get; private set; }

    public long QuotaBytes { get; set; }

    public long UsedBytes => Folders.Sum(f => f.Sum(m => (long)m.Bytes));

    public long ExpungedBytes => _expunged.Sum(e => (long)e.Message.Bytes);

    public int Expunged => _expunged.Count;

    public (DeliveryStatus Status, EmailId Email) Deliver(int folder, MailboxDelivery delivery)
    {
        if (!delivery.DeliveryId.IsNone && _taken.TryGetValue(delivery.DeliveryId, out var kept))
        {
            return (DeliveryStatus.Repeated, kept);
        }

        if (_delivered.Contains(delivery.Email))
        {
            return (DeliveryStatus.Repeated, delivery.Email);
        }

        if (QuotaBytes > 0 && UsedBytes + delivery.Body.Length > QuotaBytes)
        {
            return (DeliveryStatus.OverQuota, default);
        }

        _taken[delivery.DeliveryId] = delivery.Email;
        _delivered.Add(delivery.Email);
        Folders[folder].Add(new ModelMessage(UidNext[folder]++, delivery.Email, ++ModSeq, (int)delivery.Body.Length, Set(delivery.Keywords)));
        return (DeliveryStatus.Delivered, delivery.Email);
    }

    public (uint[] Changed, uint[] Modified) StoreFlags(StoreFlagsRequest request)
    {
        var messages = Folders[request.Folder - 1].Where(m => request.Uids.Contains(m.Uid)).ToList();
        var modified = messages.Where(m => m.ModSeq > (request.UnchangedSince ?? long.MaxValue)).ToList();
        var changed = messages.Except(modified).Where(m => !m.Keywords.SetEquals(After(m, request))).ToList();
        if (changed.Count > 0)
        {
            ModSeq++;
            foreach (var message in changed)
            {
                message.Keywords = After(message, request);
                message.ModSeq = ModSeq;
            }
        }

        return ([.. changed.Select(m => m.Uid)], [.. modified.Select(m => m.Uid)]);
    }

    public int Expunge(int folder, uint[] uids)
    {
        var messages = Folders[folder - 1].Where(m => uids.Contains(m.Uid)).ToList();
        if (messages.Count > 0)
        {
            ModSeq++;
            Folders[folder - 1].RemoveAll(messages.Contains);
            _expunged.AddRange(messages.Select(m => (folder, m)));
        }

        return messages.Count;
    }

    public void Purge(IReadOnlyList<EmailId> emails)
    {
        Assert.True(_expunged.Take(emails.Count).Select(e => e.Message.Email).Order().SequenceEqual(emails.Order()), "Another message is purged than the oldest.");
        _expunged.RemoveRange(0, emails.Count);
    }

    private static SortedSet<string> After(ModelMessage message, StoreFlagsRequest request) => request.Change switch
    {
        FlagsChange.Add => Set([.. message.Keywords, .. request.Keywords]),
        FlagsChange.Remove => Set(message.Keywords.Except(request.Keywords)),
        _ => Set(request.Keywords),
    };

    private static SortedSet<string> Set(IEnumerable<string> names) => new(names, StringComparer.Ordinal);
}

internal sealed class ModelMessage(uint uid, EmailId email, long modSeq, int bytes, SortedSet<string> keywords)
{
    public uint Uid { get; } = uid;

    public EmailId Email { get; } = email;

    public int Bytes { get; } = bytes;

    public long ModSeq { get; set; } = modSeq;

    public SortedSet<string> Keywords { get; set; } = keywords;
}
