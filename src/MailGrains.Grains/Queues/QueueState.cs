using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Records;
using MailGrains.Storage;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Queues;

/// <summary>
/// The committed state of a queue. All of it is in memory, some 300 octets a message, and in the head of a snapshot: what a message is (envelope,
/// body) stays in its rows and is read when it is sent. One thread at a time: the grain's.
/// </summary>
internal sealed class QueueState : IJournalState<QueueDraft>
{
    private const byte HeadFormat = 1;

    /// <summary>The sender follows the marks.</summary>
    private const byte HeadFormatWithSender = 2;

    private readonly Dictionary<EmailId, QueueEntry> _entries = [];

    public IReadOnlyCollection<QueueEntry> Entries => _entries.Values;

    public int Count => _entries.Count;

    public QueueMark? Suspended { get; private set; }

    public QueueRoute? Route { get; private set; }

    /// <summary>What the last attempt that failed heard.</summary>
    public string? LastReply { get; private set; }

    /// <summary>Why messages were held last.</summary>
    public QueueMark? LastHold { get; private set; }

    /// <summary>The silo whose sender was given all attempts of which no end is known; null: not known, or there are several.</summary>
    public string? Sender { get; private set; }

    /// <summary>The activation's: the silo whose sender attempts that begin now are given to; null: not known, or others' have no end yet.</summary>
    public string? OwnSender { get; set; }

    public DeliveryIdWindow DeliveryIds { get; private set; } = new();

    /// <summary>Attempts that this activation began and that have no end yet.</summary>
    public int InProgress { get; private set; }

    /// <summary>Heard for an entry that came, or changed otherwise than by a start; for the schedule.</summary>
    public Action<QueueEntry>? Changed { get; set; }

    /// <summary>Heard for an entry whose attempt has ended, by a report or with the entry.</summary>
    public Action<QueueEntry>? Ended { get; set; }

    private Repeated Last => new(LastReply, LastHold);

    public QueueEntry? Find(EmailId email) => _entries.GetValueOrDefault(email);

    public QueueDraft BeginDraft() => new(this);

    /// <summary>All that was read is loaded: none of the attempts that began in it is this activation's.</summary>
    public void BeginActivation()
    {
        foreach (var entry in _entries.Values)
        {
            entry.IsInProgress = false;
        }

        InProgress = 0;
    }

    public void Apply(long sequence, ReadOnlySpan<byte> events)
    {
        var record = new RecordReader(events);
        record.Format(QueueEvents.Format);
        while (!record.AtEnd)
        {
            ApplyNext(ref record);
        }
    }

    private void ApplyNext(ref RecordReader record)
    {
        switch ((QueueEventKind)record.Byte())
        {
            case QueueEventKind.Enqueued:
                ApplyEnqueued(ref record);
                break;
            case QueueEventKind.Started:
                var started = Required(record.Email());
                started.Attempts++;
                started.Flags |= EntryFlags.Started;
                Begin(started);
                break;
            case QueueEventKind.Changed:
                Take(QueueEvents.ReadEntry(ref record, Last));
                break;
            case QueueEventKind.Removed:
                if (!_entries.Remove(record.Email(), out var gone))
                {
                    throw RecordReader.Damaged();
                }

                gone.Left = default;
                End(gone);
                break;
            case QueueEventKind.ReplyHeard:
                LastReply = record.Text();
                break;
            case QueueEventKind.Suspended:
                Suspended = QueueEvents.ReadMark(ref record);
                break;
            case QueueEventKind.Resumed:
                Suspended = null;
                break;
            case QueueEventKind.Routed:
                Route = QueueEvents.ReadRoute(ref record);
                break;
            case QueueEventKind.Unrouted:
                Route = null;
                break;
            case QueueEventKind.AllDue:
                MakeAllDue(record.Count(), withLater: true);
                break;
            case QueueEventKind.AllTriedDue:
                MakeAllDue(record.Count(), withLater: false);
                break;
            case QueueEventKind.Confirmed:
                break;
            case QueueEventKind.HoldMarked:
                LastHold = QueueEvents.ReadMark(ref record);
                break;
            case QueueEventKind.Forgotten:
                for (var ids = record.Items(16); ids > 0; ids--)
                {
                    DeliveryIds.Remove(QueueEvents.ReadId(ref record));
                }

                break;
            case QueueEventKind.SenderIs:
                Sender = record.Text() is { Length: > 0 } sender ? sender : null;
                break;
            case var kind:
                throw new StoreException(StoreFailure.Unreadable, $"A queue's journal has an event of kind {kind}, which this release does not know.");
        }
    }

    private void ApplyEnqueued(ref RecordReader record)
    {
        var takenAt = DateTimeOffset.FromUnixTimeMilliseconds(record.Count());
        var entry = QueueEvents.ReadEntry(ref record, Last);
        for (var ids = record.Items(16); ids > 0; ids--)
        {
            DeliveryIds.Add(QueueEvents.ReadId(ref record), entry.Email, takenAt);
        }

        _entries.Add(entry.Email, entry);
        if (entry.Is(EntryFlags.Started))
        {
            Begin(entry);
        }

        Changed?.Invoke(entry);
    }

    private void Take(QueueEntry changed)
    {
        var entry = Required(changed.Email);
        entry.Left = changed.Left;
        (entry.Due, entry.Expires, entry.DelayAt) = (changed.Due, changed.Expires, changed.DelayAt);
        (entry.Attempts, entry.Tries, entry.Priority) = (changed.Attempts, changed.Tries, changed.Priority);
        (entry.Flags, entry.LastReply, entry.Notices, entry.Hold) = (changed.Flags, changed.LastReply, changed.Notices, changed.Hold);
        if (!entry.Is(EntryFlags.Started))
        {
            End(entry);
        }

        Changed?.Invoke(entry);
    }

    private void Begin(QueueEntry entry)
    {
        (entry.Sender, entry.IsDoubtful) = (null, false);
        if (!entry.IsInProgress)
        {
            entry.IsInProgress = true;
            InProgress++;
        }
    }

    private void End(QueueEntry entry)
    {
        if (entry.IsInProgress)
        {
            (entry.IsInProgress, entry.Sender) = (false, null);
            InProgress--;
            Ended?.Invoke(entry);
        }
    }

    private void MakeAllDue(long at, bool withLater)
    {
        foreach (var entry in _entries.Values)
        {
            var due = entry.Due;
            if (withLater)
            {
                entry.Due = Math.Min(due, at);
            }
            else
            {
                entry.MakeDue(at);
            }

            if (entry.Due != due)
            {
                Changed?.Invoke(entry);
            }
        }
    }

    private QueueEntry Required(EmailId email) => Find(email) ?? throw RecordReader.Damaged();

    public void Restore(ReadOnlyMemory<byte> head, ISegmentReader segments)
    {
        var record = new RecordReader(head.Span);
        var format = record.Format(HeadFormat, HeadFormatWithSender);
        var marks = record.Byte();
        Suspended = (marks & 1) != 0 ? QueueEvents.ReadMark(ref record) : null;
        Route = (marks & 2) != 0 ? QueueEvents.ReadRoute(ref record) : null;
        LastReply = (marks & 4) != 0 ? record.Text() : null;
        LastHold = (marks & 8) != 0 ? QueueEvents.ReadMark(ref record) : null;
        Sender = format == HeadFormatWithSender ? record.Text() : null;
        var count = record.Items(24);
        _entries.EnsureCapacity(count);
        for (; count > 0; count--)
        {
            var entry = QueueEvents.ReadEntry(ref record, Last);
            _entries.Add(entry.Email, entry);
        }

        var rest = record.Rest;
        DeliveryIds = DeliveryIdWindow.Read(ref rest);
    }

    public ValueTask PrepareSnapshotAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public SnapshotCapture? CaptureSnapshot()
    {
        var record = new RecordWriter(4 * 1024);
        record.Byte(Sender is null ? HeadFormat : HeadFormatWithSender);
        record.Byte((byte)((Suspended is null ? 0 : 1) | (Route is null ? 0 : 2) | (LastReply is null ? 0 : 4) | (LastHold is null ? 0 : 8)));
        if (Suspended is { } suspended)
        {
            QueueEvents.WriteMark(record, suspended);
        }

        if (Route is { } route)
        {
            QueueEvents.WriteRoute(record, route);
        }

        if (LastReply is { } reply)
        {
            record.Text(reply);
        }

        if (LastHold is { } hold)
        {
            QueueEvents.WriteMark(record, hold);
        }

        if (Sender is { } sender)
        {
            record.Text(sender);
        }

        record.Number(_entries.Count);
        foreach (var entry in _entries.Values)
        {
            QueueEvents.WriteEntry(record, entry, Last);
        }

        DeliveryIds.Write(record);
        return new SnapshotCapture(record.Written, new Dictionary<int, ReadOnlyMemory<byte>>(), []);
    }

    public void SnapshotWritten(SnapshotCapture capture, ISegmentReader segments)
    {
    }
}
