using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>Messages of a folder that were expunged by one commit.</summary>
/// <param name="At">Unix milliseconds.</param>
internal sealed record ExpungeRecord(int Folder, long At, UidSet Uids, long Messages, long Bytes);

/// <summary>
/// What was expunged and is not purged yet, oldest first, and what is being purged: messages that no index names any more and whose rows and
/// blobs are being removed. A mailbox that loads with the latter goes on removing them.
/// </summary>
internal sealed class ExpungeLog
{
    private readonly LinkedList<ExpungeRecord> _records = new();

    public int Records => _records.Count;

    /// <summary>Oldest first.</summary>
    public IEnumerable<ExpungeRecord> All => _records;

    public ExpungeRecord? Oldest => _records.First?.Value;

    public long Messages { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Messages whose rows and blobs are to be removed now.</summary>
    public IReadOnlyList<EmailId> Purging { get; private set; } = [];

    public void Add(ExpungeRecord record)
    {
        _records.AddLast(record);
        Messages += record.Messages;
        Bytes += record.Bytes;
    }

    /// <summary>Moves the first messages of the oldest record to <see cref="Purging"/>.</summary>
    public void BeginPurge(UidSet taken, long bytes, IReadOnlyList<EmailId> emails)
    {
        var oldest = Oldest ?? throw RecordReader.Damaged();
        var (_, rest) = oldest.Uids.Split(taken.Count);
        _records.RemoveFirst();
        Messages -= taken.Count;
        Bytes -= bytes;
        if (!rest.IsEmpty)
        {
            _records.AddFirst(oldest with { Uids = rest, Messages = oldest.Messages - taken.Count, Bytes = oldest.Bytes - bytes });
        }

        Purging = [.. Purging, .. emails];
    }

    public void EndPurge() => Purging = [];

    public void Write(RecordWriter record)
    {
        record.Number(_records.Count);
        foreach (var expunged in _records)
        {
            record.Number(expunged.Folder);
            record.Number(expunged.At);
            expunged.Uids.Write(record);
            record.Number(expunged.Messages);
            record.Number(expunged.Bytes);
        }

        record.Number(Purging.Count);
        foreach (var email in Purging)
        {
            record.Email(email);
        }
    }

    public static ExpungeLog Read(ref RecordReader record)
    {
        var log = new ExpungeLog();
        for (var left = record.Items(5); left > 0; left--)
        {
            log.Add(new ExpungeRecord(record.Int32(), record.Count(), UidSet.Read(ref record), record.Count(), record.Count()));
        }

        var purging = new EmailId[record.Items(16)];
        for (var i = 0; i < purging.Length; i++)
        {
            purging[i] = record.Email();
        }

        log.Purging = purging;
        return log;
    }
}
