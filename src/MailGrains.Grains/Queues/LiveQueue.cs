using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Notices;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Queues;

/// <summary>A loaded queue: its state, and those who work on it. Everything runs in the grain's turns.</summary>
internal sealed class LiveQueue
{
    private const int OrderedAtOnce = 50;

    private readonly QueueId _id;
    private readonly QueueParts _parts;
    private readonly TimeProvider _time;
    private readonly QueueMessages _messages;
    private readonly QueueCommits _commits;
    private readonly QueueRunner _runner;
    private readonly NoticeSender _notices;

    public LiveQueue(QueueId id, Journal<QueueState, QueueDraft> journal, QueueParts parts, NoticePost post, TimeProvider time, Action kick)
    {
        (_id, _parts, _time, Journal, State) = (id, parts, time, journal, journal.State);
        _messages = new QueueMessages(parts.Accounts, BodyHolder.Of(id));
        _commits = new QueueCommits(id, journal, _messages, parts.Blobs, parts.Options, parts.Log);
        _notices = new NoticeSender(id, State, _messages, _commits, post, parts, time, kick);
        _runner = new QueueRunner(id, journal, State, _messages, _commits, parts, time)
        {
            EndAsync = reports => EndAsync(reports, CancellationToken.None),
            Tell = _notices.Note,
        };
        State.BeginActivation();
        (State.Changed, State.Ended) = (_runner.Note, _runner.Ended);
        _runner.Load();
        _notices.Load();
    }

    public Journal<QueueState, QueueDraft> Journal { get; }

    public QueueState State { get; }

    /// <summary>An operator's order on the whole queue is in force.</summary>
    public bool IsMarked => _runner.IsSuspended || _runner.Route is not null;

    /// <summary>Something is under way.</summary>
    public bool IsBusy => _runner.InProgress > 0 || _notices.IsBusy;

    public long NextLook() => Math.Min(_runner.NextLook(), _notices.Next);

    public async ValueTask<EnqueueResult> EnqueueAsync(QueuedMessage message, byte[] envelope, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var entry = NewEntry(message, now);
        var decision = await _commits.EnqueueAsync(message, envelope, entry, () => _runner.MayStart(entry.Due), now, cancellationToken);
        if (decision.Status == EnqueueStatus.Queued && decision.Starts && State.Find(message.Email) is { } begun)
        {
            _runner.Begin(begun, message);
        }

        if (decision.Status == EnqueueStatus.Queued && entry.Notices is not null && State.Find(message.Email) is { } told)
        {
            _notices.Note(told);
        }

        return decision.Status == EnqueueStatus.Repeated
            ? new EnqueueResult(EnqueueStatus.Repeated, await _messages.ReadBlobAsync(decision.Kept, cancellationToken))
            : EnqueueResult.Of(decision.Status);
    }

    /// <inheritdoc cref="QueueRunner.IsLatest"/>
    public bool IsLatest(EmailId email, int attempt) => _runner.IsLatest(email, attempt);

    /// <inheritdoc cref="QueueRunner.Claim"/>
    public bool Claim(EmailId email, int attempt, SiloAddress sender) => _runner.Claim(email, attempt, sender);

    /// <summary>Commits how attempts ended; all of them wait for one transaction.</summary>
    public async Task EndAsync(ImmutableArray<RelayReport> reports, CancellationToken cancellationToken) =>
        await Task.WhenAll(reports.Select(report => EndAsync(report, cancellationToken)));

    public Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        _notices.Start(cancellationToken);
        return _runner.RunAsync(cancellationToken);
    }

    public async ValueTask WakeAsync(CancellationToken cancellationToken)
    {
        _runner.Unblock();
        await CommitAsync(draft => draft.MakeAllDue(QueueRunner.Milliseconds(_time.GetUtcNow())), 16, cancellationToken);
    }

    public QueueOverview Overview()
    {
        var (held, next, oldest, pending) = (0, long.MaxValue, (EmailId?)null, (EmailId?)null);
        var now = QueueRunner.Milliseconds(_time.GetUtcNow());
        foreach (var entry in State.Entries)
        {
            held += entry.Is(EntryFlags.Held) ? 1 : 0;
            next = entry.Waits ? Math.Min(next, entry.Due) : next;
            oldest = Older(oldest, entry);
            pending = entry.Is(EntryFlags.Held) || (entry.Attempts == 0 && entry.Due > now) ? pending : Older(pending, entry);
        }

        return new QueueOverview(
            _id, State.Count, held, _runner.InProgress, oldest?.MadeAt, next == long.MaxValue || _runner.IsSuspended ? null : TimeOf(next), State.LastReply)
        {
            Suspended = _runner.Suspended,
            Route = _runner.Route,
            AsOf = _time.GetUtcNow(),
            OldestPending = pending?.MadeAt,
        };

        static EmailId Older(EmailId? known, QueueEntry entry) => known is { } email && email < entry.Email ? email : entry.Email;
    }

    public async ValueTask<QueuePage> ListAsync(EmailId? after, int limit, CancellationToken cancellationToken)
    {
        var page = ImmutableArray.CreateBuilder<QueuedEntry>();
        await foreach (var message in _messages.ReadEnvelopesAsync(after, cancellationToken))
        {
            // Rows without an entry belong to a message that is just going.
            if (State.Find(message.Email) is not { } entry)
            {
                continue;
            }

            if (page.Count == limit)
            {
                return new QueuePage(page.ToImmutable(), page[^1].Email);
            }

            page.Add(new QueuedEntry(
                entry.Email, message.TraceId, message.ReversePath, [.. entry.Left.Indexes().Select(i => message.Recipients[i].ForwardPath)],
                message.Bytes, message.ReceivedAt, TimeOf(entry.Due), TimeOf(entry.Expires), entry.Attempts, StateOf(entry), entry.LastReply)
            {
                Submitter = message.Submitter,
                Hold = entry.Hold,
            });
        }

        return new QueuePage(page.ToImmutable(), null);
    }

    public async ValueTask<int> OrderAsync(QueueOrder order, CancellationToken cancellationToken)
    {
        if (order.Mark.Until is { } until)
        {
            // As it is stored, so that it is the same mark when it is read again.
            order = order with { Mark = order.Mark with { Until = TimeOf(QueueRunner.Milliseconds(until)) } };
        }

        var isWhole = order.Messages.IsDefaultOrEmpty && order.Sender is null;
        switch (order.Kind)
        {
            case QueueOrderKind.Suspend:
                await CommitAsync(draft => draft.Suspend(order.Mark), QueueEvents.MaxMarkBytes, cancellationToken);
                return State.Count;
            case QueueOrderKind.Resume:
                await CommitAsync(draft => draft.Resume(), 8, cancellationToken);
                return State.Count;
            case QueueOrderKind.Route:
                await CommitAsync(draft => draft.Route(order.Route), QueueEvents.MaxMarkBytes, cancellationToken);
                return State.Count;
            case QueueOrderKind.Retry when isWhole:
                await WakeAsync(cancellationToken);
                return State.Count;
            default:
                return await OrderEachAsync(order, isWhole, cancellationToken);
        }
    }

    private async ValueTask<int> OrderEachAsync(QueueOrder order, bool isWhole, CancellationToken cancellationToken)
    {
        var met = 0;
        List<EmailId> emails = isWhole ? [.. State.Entries.Select(e => e.Email)] : await SelectAsync(order, cancellationToken);

        // Those of a group commit together.
        foreach (var group in emails.Chunk(OrderedAtOnce))
        {
            var taken = await Task.WhenAll(
                group.Select(State.Find).OfType<QueueEntry>().Select(entry => OrderOneAsync(order, entry, cancellationToken).AsTask()));
            met += taken.Count(isTaken => isTaken);
        }

        if (order.Kind == QueueOrderKind.Retry)
        {
            _runner.Unblock();
        }

        return met;
    }

    /// <summary>Changes one message; one that is under way is left to its sender, but for a drop, which ends what comes after it.</summary>
    private async ValueTask<bool> OrderOneAsync(QueueOrder order, QueueEntry entry, CancellationToken cancellationToken)
    {
        if (order.Kind == QueueOrderKind.Hold && entry.Is(EntryFlags.Held) && entry.Hold == order.Mark)
        {
            // A repeat of an order that was cut off.
            return true;
        }

        var now = QueueRunner.Milliseconds(_time.GetUtcNow());
        Action<QueueEntry>? change = order.Kind switch
        {
            QueueOrderKind.Retry => e => e.MakeDue(now),
            QueueOrderKind.Hold => e => (e.Flags, e.Hold) = (e.Flags | EntryFlags.Held, order.Mark),
            QueueOrderKind.Release when entry.Is(EntryFlags.Held) => e => e.Release(now),
            QueueOrderKind.Drop => e => Drop(e, order.TellsSender),
            _ => null,
        };
        if (change is null || !(await _commits.ChangeAsync(entry, change, cancellationToken, onlyIdle: order.Kind == QueueOrderKind.Drop)).IsTaken)
        {
            return false;
        }

        _notices.Note(entry);
        return true;
    }

    private static void Drop(QueueEntry entry, bool tells)
    {
        // What was to be told of others before is told all the same.
        entry.Notices =
        [
            .. entry.Notices ?? [],
            .. tells ? entry.Left.Indexes().Select(i => new Notice(NoticeKind.Failed, i, 0, "5.7.1", "removed from the queue by an operator", null)) : [],
        ];
        entry.Left = default;
        entry.Flags &= ~EntryFlags.Started;
    }

    private async ValueTask<List<EmailId>> SelectAsync(QueueOrder order, CancellationToken cancellationToken)
    {
        if (order.Sender is not { } sender)
        {
            return [.. order.Messages];
        }

        var found = new List<EmailId>();
        await foreach (var message in _messages.ReadEnvelopesAsync(null, cancellationToken))
        {
            var matches = sender.StartsWith("*@", StringComparison.Ordinal)
                ? message.ReversePath.EndsWith(sender[1..], StringComparison.OrdinalIgnoreCase)
                : message.ReversePath.Equals(sender, StringComparison.OrdinalIgnoreCase);
            if (matches && (order.Messages.IsDefaultOrEmpty || order.Messages.Contains(message.Email)))
            {
                found.Add(message.Email);
            }
        }

        return found;
    }

    private async Task EndAsync(RelayReport report, CancellationToken cancellationToken)
    {
        if (State.Find(report.Email) is not { } entry || entry.Attempts != report.Attempt)
        {
            return;
        }

        var now = _time.GetUtcNow();
        var due = report switch
        {
            { RetryAt: { } at } => at,
            { Status: RelayStatus.NotTried } => report.SiteUntil ?? now + _parts.Options.BusyPause,
            _ => now + _parts.Options.RetryIn(entry.Tries + 1, Random.Shared.NextDouble()),
        };
        // Before the entry waits again: else the next attempt could begin in between.
        _runner.Heard(report, QueueRunner.Milliseconds(due));
        var decision = await _commits.ReportAsync(
            entry, AtItsEnd(entry, report, QueueRunner.Milliseconds(now)), QueueRunner.Milliseconds(due), QueueRunner.Milliseconds(now),
            isLost: report is { IsUncertain: true, RetryAt: not null }, cancellationToken);
        if (decision.IsTaken)
        {
            _runner.Note(entry);
            _parts.Log.AttemptEnded(_id, report);
            _notices.Note(entry);
        }
    }

    /// <summary>A site that can't be used was as good as tried for what has no more time.</summary>
    private RelayReport AtItsEnd(QueueEntry entry, RelayReport report, long now) =>
        report is { Status: RelayStatus.NotTried, SiteUntil: not null } && entry.Expires <= now && _runner.IsDown
            ? report with
            {
                Status = RelayStatus.Tried,
                Outcomes =
                [
                    .. entry.Left.Indexes().Select(i => new RecipientOutcome(
                        i, OutcomeKind.Deferred, 0, "4.4.1", report.Reason ?? entry.LastReply ?? "no server could be reached", null)),
                ],
            }
            : report;

    private QueueEntry NewEntry(QueuedMessage message, DateTimeOffset now)
    {
        var options = _parts.Options;
        var start = message.NotBefore is { } at && at > now ? at : now;
        var isReport = message.ReversePath.Length == 0;
        var expires = start + (isReport ? options.MaxReportAge : options.MaxAge);
        var delay = isReport ? DateTimeOffset.UnixEpoch : start + options.DelayNoticeAfter;
        if (message.DeliverBy is { } by)
        {
            // RFC 2852 §4.1.
            (expires, delay) = by.Returns ? (Earlier(expires, by.At), delay) : (expires, Earlier(delay, by.At));
        }

        return new QueueEntry(message.Email)
        {
            Left = RecipientSet.All(message.Recipients.Length),
            Due = QueueRunner.Milliseconds(start),
            Expires = QueueRunner.Milliseconds(expires),
            DelayAt = QueueRunner.Milliseconds(delay),
            Priority = (sbyte)message.Priority,
            Notices = message.Recipients.All(r => r.ExpandedFrom is null)
                ? null
                : [.. message.Recipients.Index().Where(r => r.Item.ExpandedFrom is not null).Select(r => new Notice(
                    NoticeKind.Expanded, r.Index, 0, "2.1.5", "passed on to the members of the list", null))],
            Flags = (message.Body.Inline is null ? EntryFlags.None : EntryFlags.Inline) |
                (message.Recipients.Any(r => (r.Notify & NotifyOn.Success) != 0) ? EntryFlags.WantsSuccess : EntryFlags.None) |
                (message.DeliverBy is { Returns: true } ? EntryFlags.EndsInTime : EntryFlags.None) |
                (message.Recipients[0].Mailbox is null ? EntryFlags.None : EntryFlags.Local),
        };
    }

    private async ValueTask CommitAsync(Action<QueueDraft> change, int bytes, CancellationToken cancellationToken) =>
        await Journal.CommitAsync(
            new JournalCall<QueueDraft, bool>(
                draft =>
                {
                    change(draft);
                    return new(true, false);
                },
                [], bytes),
            cancellationToken);

    private static QueuedEntryState StateOf(QueueEntry entry) =>
        entry.Left.IsEmpty ? QueuedEntryState.Reporting
        : entry.IsInProgress || entry.Is(EntryFlags.Started) ? QueuedEntryState.InProgress
        : entry.Is(EntryFlags.Held) ? QueuedEntryState.Held
        : QueuedEntryState.Waiting;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private static DateTimeOffset TimeOf(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
}
