using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Records;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Queues;

/// <summary>
/// What the calls of one batch have decided so far, over the committed state. A call looks first and changes then. Times are Unix milliseconds.
/// </summary>
internal sealed class QueueDraft(QueueState state) : IJournalDraft
{
    /// <summary>RFC 3463 §3.5: the time is over.</summary>
    public const string Expired = "5.4.7";

    private DeliveryIdDraft _deliveryIds = state.DeliveryIds.BeginDraft();

    // What the batch has changed; null: removed.
    private Dictionary<EmailId, QueueEntry?>? _changed;
    private long _allDue = long.MaxValue;
    private RecordWriter? _events;
    private Repeated _last = new(state.LastReply, state.LastHold);
    private int _count = state.Count;
    private string? _sender = state.Sender;

    public ReadOnlyMemory<byte> Events => _events?.Written ?? default;

    /// <summary>Nothing changes, and yet the commit is made: it shows that nobody else has made one.</summary>
    public void Confirm() => Record(QueueEventKind.Confirmed);

    /// <summary>Takes a message, unless all of its recipients are kept already or the queue is full.</summary>
    /// <param name="starts">The first attempt begins with it.</param>
    public EnqueueDecision Enqueue(QueuedMessage message, QueueEntry entry, int maxMessages, DateTimeOffset now, bool starts)
    {
        var left = entry.Left;
        EmailId kept = default;
        var ids = new List<DeliveryId>(message.Recipients.Length);
        for (var i = 0; i < message.Recipients.Length; i++)
        {
            var id = IdOf(message, i);
            if (_deliveryIds.TryFind(id, now, out var earlier))
            {
                (left, kept) = (left.Without(i), earlier);
            }
            else if (!ids.Contains(id))
            {
                ids.Add(id);
            }
        }

        if (left.IsEmpty || Find(message.Email) is not null)
        {
            return new EnqueueDecision(EnqueueStatus.Repeated, kept == default ? message.Email : kept, Starts: false);
        }

        if (_count >= maxMessages)
        {
            return new EnqueueDecision(EnqueueStatus.Full, default, Starts: false);
        }

        var taken = entry.Copy();
        taken.Left = left;
        taken.Notices = taken.Notices?.Where(notice => left.Contains(notice.Recipient)).ToList() is { Count: > 0 } notices ? notices : null;
        if (starts)
        {
            taken.Attempts = 1;
            taken.Flags |= EntryFlags.Started;
            taken.IsInProgress = true;
            NoteSender();
        }

        var record = Record(QueueEventKind.Enqueued);
        record.Number(now.ToUnixTimeMilliseconds());
        QueueEvents.WriteEntry(record, taken, _last);
        record.Number(ids.Count);
        foreach (var id in ids)
        {
            QueueEvents.WriteId(record, id);
            _deliveryIds.Add(id, message.Email);
        }

        Note(taken);
        _count++;
        return new EnqueueDecision(EnqueueStatus.Queued, message.Email, starts);
    }

    /// <summary>An attempt begins; false where the entry has gone or must not be started.</summary>
    public bool Start(EmailId email)
    {
        if (Find(email) is not { } entry || entry.Left.IsEmpty || entry.Is(EntryFlags.Held))
        {
            return false;
        }

        Start(entry);
        return true;
    }

    /// <summary>Gives an attempt another number; false where it has ended.</summary>
    public bool Renumber(EmailId email, int attempt)
    {
        if (Find(email) is not { } entry || entry.Attempts != attempt || !entry.Is(EntryFlags.Started))
        {
            return false;
        }

        Start(entry);
        return true;
    }

    /// <summary>Takes the end of an attempt. What is left after its time is given up, unless nobody knows how the attempt ended.</summary>
    /// <param name="due">When the rest is due, where there is a rest.</param>
    /// <param name="isLost">Nothing was heard of the attempt.</param>
    public ReportDecision Report(RelayReport report, long due, long now, bool isLost)
    {
        if (Find(report.Email) is not { } entry || entry.Attempts != report.Attempt || !entry.Is(EntryFlags.Started))
        {
            return ReportDecision.Ignored;
        }

        var ended = entry.Copy();
        ended.Flags &= ~EntryFlags.Started;
        ended.IsInProgress = false;
        ended.Due = due;
        switch (report.Status)
        {
            case RelayStatus.Held:
                ended.Flags |= EntryFlags.Held;
                ended.LastReply = report.Reason;
                break;
            case RelayStatus.NotTried:
                ended.LastReply = report.Reason ?? ended.LastReply;
                break;
            default:
                ended.Tries++;
                ended.Flags |= report.IsUncertain ? EntryFlags.Uncertain : EntryFlags.None;
                foreach (var outcome in report.Outcomes)
                {
                    Take(ended, outcome, isOver: !isLost && ended.Expires <= now);
                }

                break;
        }

        return Put(ended);
    }

    /// <summary>Changes an entry by <paramref name="change"/>, which gets a copy; removes it where nothing is left of it.</summary>
    /// <param name="onlyIdle">What is under way is left alone.</param>
    /// <param name="forgotten">Delivery ids that are taken as new when they come again.</param>
    public ReportDecision Change(EmailId email, Action<QueueEntry> change, bool onlyIdle, IReadOnlyList<DeliveryId>? forgotten = null)
    {
        if (Find(email) is not { } entry || (onlyIdle && entry.IsInProgress))
        {
            return ReportDecision.Ignored;
        }

        var changed = entry.Copy();
        change(changed);
        if (forgotten is { Count: > 0 })
        {
            Forget(forgotten);
        }

        return Put(changed);
    }

    public void Suspend(QueueMark mark) => QueueEvents.WriteMark(Record(QueueEventKind.Suspended), mark);

    public void Resume() => Record(QueueEventKind.Resumed);

    public void Route(QueueRoute? route)
    {
        if (route is null)
        {
            Record(QueueEventKind.Unrouted);
        }
        else
        {
            QueueEvents.WriteRoute(Record(QueueEventKind.Routed), route);
        }
    }

    public void MakeAllDue(long at)
    {
        Record(QueueEventKind.AllTriedDue).Number(at);
        _allDue = Math.Min(_allDue, at);
        foreach (var entry in _changed?.Values ?? Enumerable.Empty<QueueEntry?>())
        {
            entry?.MakeDue(at);
        }
    }

    private static void Take(QueueEntry entry, RecipientOutcome outcome, bool isOver)
    {
        if (!entry.Left.Contains(outcome.Recipient))
        {
            return;
        }

        if (outcome.Kind == OutcomeKind.Deferred)
        {
            entry.LastReply = ReplyOf(outcome);
            if (!isOver)
            {
                return;
            }
        }

        entry.Left = entry.Left.Without(outcome.Recipient);
        NoticeKind? kind = outcome.Kind switch
        {
            OutcomeKind.Failed => NoticeKind.Failed,
            OutcomeKind.Deferred => NoticeKind.Expired,
            OutcomeKind.RelayedWithoutDsn when entry.Is(EntryFlags.WantsSuccess) => NoticeKind.Relayed,
            OutcomeKind.Delivered when entry.Is(EntryFlags.WantsSuccess) => NoticeKind.Delivered,
            _ => null,
        };
        if (kind is { } told)
        {
            entry.Notices = [.. entry.Notices ?? [], new Notice(
                told, outcome.Recipient, outcome.Code, told == NoticeKind.Expired ? Expired : outcome.Enhanced, outcome.Text, outcome.Host)];
        }
    }

    /// <summary>One line for operators and for the sender's report.</summary>
    private static string ReplyOf(RecipientOutcome outcome)
    {
        var code = outcome.Code == 0 ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{outcome.Code} ");
        var host = outcome.Host is null ? "" : $"{outcome.Host}: ";
        return $"{host}{code}{outcome.Enhanced} {outcome.Text}";
    }

    private ReportDecision Put(QueueEntry entry)
    {
        entry.Notices = entry.Notices is { Count: > 0 } ? entry.Notices : null;
        if (entry.Left.IsEmpty && entry.Notices is null)
        {
            Record(QueueEventKind.Removed).Email(entry.Email);
            (_changed ??= [])[entry.Email] = null;
            _count--;
            return new ReportDecision(IsRemoved: true, IsTaken: true);
        }

        if (entry.LastReply is { } reply && reply != _last.Reply)
        {
            Record(QueueEventKind.ReplyHeard).Text(reply);
            _last = _last with { Reply = reply };
        }

        if (entry.Hold is { } hold && hold != _last.Hold)
        {
            QueueEvents.WriteMark(Record(QueueEventKind.HoldMarked), hold);
            _last = _last with { Hold = hold };
        }

        QueueEvents.WriteEntry(Record(QueueEventKind.Changed), entry, _last);
        Note(entry);
        return new ReportDecision(IsRemoved: false, IsTaken: true);
    }

    /// <summary>A message without a Message-ID is known by its own id, which is made once a transaction.</summary>
    public static DeliveryId IdOf(QueuedMessage message, int recipient) =>
        message.Recipients[recipient].DeliveryId is { IsNone: false } id ? id : new DeliveryId(message.Email.High, message.Email.Low + (ulong)recipient);

    private QueueEntry? Find(EmailId email)
    {
        if (_changed is not null && _changed.TryGetValue(email, out var changed))
        {
            return changed;
        }

        if (state.Find(email) is not { } entry || entry.Attempts == 0 || entry.Due <= _allDue)
        {
            return state.Find(email);
        }

        var due = entry.Copy();
        due.Due = _allDue;
        return due;
    }

    private void Forget(IReadOnlyList<DeliveryId> ids)
    {
        var record = Record(QueueEventKind.Forgotten);
        record.Number(ids.Count);
        foreach (var id in ids)
        {
            QueueEvents.WriteId(record, id);
            _deliveryIds.Remove(id);
        }
    }

    private void Start(QueueEntry entry)
    {
        var started = entry.Copy();
        started.Attempts++;
        started.Flags |= EntryFlags.Started;
        started.IsInProgress = true;
        NoteSender();
        Record(QueueEventKind.Started).Email(entry.Email);
        Note(started);
    }

    private void NoteSender()
    {
        if (_sender != state.OwnSender)
        {
            _sender = state.OwnSender;
            Record(QueueEventKind.SenderIs).Text(_sender ?? "");
        }
    }

    private void Note(QueueEntry entry) => (_changed ??= [])[entry.Email] = entry;

    private RecordWriter Record(QueueEventKind kind)
    {
        if (_events is null)
        {
            _events = new RecordWriter();
            _events.Byte(QueueEvents.Format);
        }

        _events.Byte((byte)kind);
        return _events;
    }
}

/// <param name="Kept">The message that the queue keeps, or kept.</param>
internal readonly record struct EnqueueDecision(EnqueueStatus Status, EmailId Kept, bool Starts);

/// <param name="IsTaken">False: the entry has gone, or the attempt is not its latest.</param>
internal readonly record struct ReportDecision(bool IsRemoved, bool IsTaken)
{
    public static ReportDecision Ignored => default;
}
