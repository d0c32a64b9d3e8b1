using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Storage;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Queues;

/// <summary>
/// Starts what is due: marks the attempts in the journal, reads the messages, and gives them to a sender. Runs in the grain's turns, one round at a
/// time. Everything here but the marks is in memory: a new activation finds marked attempts without an end, leaves them to their senders for a while,
/// and then takes them as uncertain.
/// </summary>
internal sealed class QueueRunner(
    QueueId queue, Journal<QueueState, QueueDraft> journal, QueueState state, QueueMessages messages, QueueCommits commits, QueueParts parts,
    TimeProvider time)
{
    private readonly QueueSchedule _schedule = new();
    private readonly List<RelayMessage> _starting = [];
    private readonly List<RelayMessage> _doubtful = [];
    private readonly HashSet<QueueEntry> _given = new(ReferenceEqualityComparer.Instance);
    private readonly LateEntries _late = new(queue, state, commits, parts, time);
    private readonly List<(QueueEntry Entry, int Attempt)> _recovering = [];
    private readonly QueueOutage _outage = new();
    private readonly List<RelayReport> _ends = [];
    private readonly long _loaded = time.GetTimestamp();
    private long _now;
    private SiloAddress? _earlierSender;
    private TimeSpan _pause = parts.Options.BusyPause;
    private long _busyUntil;
    private long _lookAt;
    private long _retryAt;
    private bool _urgent;

    /// <summary>Takes how attempts ended that never left this silo, or whose sender is gone.</summary>
    public required Func<ImmutableArray<RelayReport>, Task> EndAsync { get; init; }

    /// <summary>Something is to be told to a message's sender.</summary>
    public required Action<QueueEntry> Tell
    {
        init => _late.Tell = value;
    }

    /// <summary>Messages with a sender, or on their way to one.</summary>
    public int InProgress => state.InProgress;

    /// <summary>Null where there is none, or its time is over.</summary>
    public QueueMark? Suspended => state.Suspended is { } mark && !(mark.Until <= time.GetUtcNow()) ? mark : null;

    /// <inheritdoc cref="Suspended"/>
    public QueueRoute? Route => state.Route is { } route && !(route.Mark.Until <= time.GetUtcNow()) ? route : null;

    public bool IsSuspended => Suspended is not null;

    /// <summary>The site can't be used, as an attempt has shown.</summary>
    public bool IsDown => _outage.WasSeen(Now, Options.RetryAfter[^1] * 1.5);

    private QueueOptions Options => parts.Options;

    private long Now => Milliseconds(time.GetUtcNow());

    /// <summary>How many more attempts may begin together.</summary>
    private int Room => _outage.TriesOne ? 1 - Math.Min(1, InProgress) : Math.Min(Options.JobMessages, Options.MaxInProgress - InProgress);

    public static long Milliseconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds();

    /// <summary>Takes what the store holds; <paramref name="entry"/>'s later changes come by <see cref="Note"/>.</summary>
    public void Load()
    {
        foreach (var entry in state.Entries)
        {
            Note(entry);
            if (entry.Is(EntryFlags.Started))
            {
                _recovering.Add((entry, entry.Attempts));
            }
        }

        // While others' attempts have no end, only one whose sender is the same can be told by it.
        _earlierSender = state.Sender is { } sender ? SiloAddress.FromParsableString(sender) : null;
        state.OwnSender = _recovering.Count == 0 || state.Sender == parts.OwnSender ? parts.OwnSender : null;
        _outage.Load(state.Entries);
    }

    public void Note(QueueEntry entry) => _schedule.Note(entry, state.Count);

    /// <summary>A message that is put into the queue now may begin its first attempt with that.</summary>
    public bool MayStart(long due) => due <= Now && Room > 0 && Now >= _outage.SiteUntil && Now >= _busyUntil && !IsSuspended;

    /// <summary>Its first attempt began with its commit.</summary>
    public void Begin(QueueEntry entry, QueuedMessage message) => _starting.Add(Attempt(entry, message));

    /// <summary>No sender has it any more.</summary>
    public void Ended(QueueEntry entry) => _given.Remove(entry);

    /// <summary>Takes what an attempt's end says of the site.</summary>
    /// <param name="due">When its message is tried next.</param>
    public void Heard(RelayReport report, long due)
    {
        _outage.Note(report, due, Now);
        if (report is { SiteUntil: not null, Status: RelayStatus.Tried })
        {
            _late.SiteIsDown();
        }
    }

    /// <summary>Whether it is the latest attempt of its message, and a sender may end it.</summary>
    public bool IsLatest(EmailId email, int attempt) =>
        state.Find(email) is { IsDoubtful: false } entry && entry.Attempts == attempt && entry.Is(EntryFlags.Started);

    /// <summary>The attempt is this sender's from now on, unless it is another's or not the latest.</summary>
    public bool Claim(EmailId email, int attempt, SiloAddress sender) =>
        IsLatest(email, attempt) && NoteSender(state.Find(email)!, sender).Equals(sender);

    /// <summary>An operator wants it tried now: back-offs do not count, once.</summary>
    public void Unblock()
    {
        _outage.End();
        (_busyUntil, _urgent) = (0, true);
    }

    /// <summary>When to look next, of what this knows; <see cref="long.MaxValue"/>: at no time.</summary>
    public long NextLook()
    {
        // Where there is no room the end of an attempt is what makes some.
        var ready = _schedule.HasReady && Room > 0 ? _outage.Until : long.MaxValue;
        var next = Math.Min(_starting.Count + _doubtful.Count > 0 ? Now : ready, _schedule.Next);
        next = next == long.MaxValue ? next : Math.Max(next, Math.Max(_busyUntil, Now + 1));
        if (Suspended is { } mark)
        {
            next = mark.Until is { } until ? Milliseconds(until) : long.MaxValue;
        }

        if (_recovering.Count > 0)
        {
            var left = Math.Max(1, (long)UntilRecovery.TotalMilliseconds + 1);
            next = Math.Min(next, Now + (_earlierSender is null ? left : Math.Min(left, (long)Options.LookAfter.TotalMilliseconds)));
        }

        next = Math.Min(next, Math.Max(Now + 1, Math.Min(_late.Next, _ends.Count > 0 ? _retryAt : long.MaxValue)));

        return _given.Count > 0 ? Math.Min(next, Math.Max(_lookAt, Now + 1)) : next;
    }

    /// <summary>One round; true when another may find more to do at once.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        MindClock();
        await EndWaitingAsync();
        await LookAfterSendersAsync();
        await RecoverAsync();
        await _late.TakeAsync(_schedule, IsSuspended, IsDown, cancellationToken);
        if (Now >= _busyUntil)
        {
            await GiveAsync(cancellationToken);
        }

        return !IsSuspended && Now >= _outage.Until && Now >= _busyUntil && await StartAsync(cancellationToken) && await GiveAsync(cancellationToken);
    }

    /// <summary>Marks the attempts of what is ready, as far as there is room; true when there were any.</summary>
    private async Task<bool> StartAsync(CancellationToken cancellationToken)
    {
        var entries = new List<QueueEntry>();
        for (var room = Room; entries.Count < room && TakeReady() is { } entry;)
        {
            entries.Add(entry);
        }

        if (entries.Count == 0)
        {
            return false;
        }

        try
        {
            await journal.CommitAsync(
                new JournalCall<QueueDraft, bool>(
                    draft =>
                    {
                        entries.ForEach(e => draft.Start(e.Email));
                        return new(true, false);
                    },
                    [], QueueEvents.MaxStartedBytes(entries.Count)),
                cancellationToken);
        }
        catch
        {
            entries.ForEach(Note);
            throw;
        }

        foreach (var entry in entries.Where(e => state.Find(e.Email) == e))
        {
            if (entry.IsInProgress)
            {
                await ReadAsync(entry, cancellationToken);
            }
            else
            {
                Note(entry);
            }
        }

        return true;
    }

    private QueueEntry? TakeReady() =>
        (_outage.TriesOne && _schedule.HasReady ? QueueOutage.Choose(state.Entries, Now) : null) ?? _schedule.TakeReady(Now);

    /// <summary>What can't be read now has not been tried; where its rows are missing, which the checker finds, it is as if a server had deferred it.</summary>
    private async ValueTask ReadAsync(QueueEntry entry, CancellationToken cancellationToken)
    {
        RelayReport end;
        try
        {
            if (await messages.ReadAsync(entry.Email, cancellationToken) is { } message)
            {
                _starting.Add(Attempt(entry, message));
                return;
            }

            end = Deferred(entry, "the message's rows are missing");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            end = new RelayReport(entry.Email, entry.Attempts, RelayStatus.NotTried, [])
            {
                Reason = "the message could not be read",
                RetryAt = time.GetUtcNow() + Options.RetryIn(entry.Tries + 1, Random.Shared.NextDouble()),
            };
            parts.Log.NotRead(queue, entry.Email, e.Message);
        }

        await EndOrKeepAsync([end]);
    }

    /// <summary>Commits how attempts ended, now or, where that fails, in a later round: nobody else would.</summary>
    private async Task EndOrKeepAsync(ImmutableArray<RelayReport> reports)
    {
        try
        {
            await EndAsync(reports);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // One that did get through is ignored when it comes again.
            _ends.AddRange(reports);
            _retryAt = Now + (long)Options.BusyPause.TotalMilliseconds;
            parts.Log.NotEnded(queue, reports.Length, e.Message);
        }
    }

    private async Task EndWaitingAsync()
    {
        if (_ends.Count > 0 && Now >= _retryAt)
        {
            ImmutableArray<RelayReport> ends = [.. _ends];
            _ends.Clear();
            await EndOrKeepAsync(ends);
        }
    }

    /// <summary>Where the clock was set back, pauses that were set by it do not count.</summary>
    private void MindClock()
    {
        var now = Now;
        if (now < _now)
        {
            (_busyUntil, _lookAt, _retryAt) = (0, 0, 0);
            _outage.ClockWasSetBack();
            _late.ClockWasSetBack();
        }

        _now = now;
    }

    /// <summary>Gives what has begun to a sender, in jobs; true when all was taken.</summary>
    private async Task<bool> GiveAsync(CancellationToken cancellationToken)
    {
        await RenumberAsync(cancellationToken);
        while (_starting.Count > 0)
        {
            var job = TakeJob();
            if (job[0].Message.Recipients[0].Mailbox is not null)
            {
                _ = DeliverHereAsync(job);
                continue;
            }

            var isTaken = false;
            try
            {
                var answer = await parts.Relay.TakeAsync(new RelayJob(queue, [.. job], Route) { IsUrgent = _urgent }, cancellationToken);
                parts.GivenTo(answer.Silo);
                foreach (var message in job.Take(answer.Count))
                {
                    if (UnderWay(message) is { } entry)
                    {
                        NoteSender(entry, answer.Silo);
                    }
                }

                _starting.InsertRange(0, job.Skip(answer.Count));
                (isTaken, _pause) = (answer.Count == job.Count, answer.Wait > Options.BusyPause ? answer.Wait : Options.BusyPause);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                parts.Log.NotGiven(queue, job.Count, e.Message);
                Doubt(job);
                _pause = _pause * 2 < Options.MaxBusyPause ? _pause * 2 : Options.MaxBusyPause;
            }

            if (!isTaken)
            {
                _busyUntil = Now + (long)_pause.TotalMilliseconds;
                return false;
            }
        }

        _urgent = false;
        return true;
    }

    /// <summary>
    /// A sender may have them, and the next one that is asked may be another's: with one number two silos would send them. Those that are claimed are known to be
    /// under way.
    /// </summary>
    private void Doubt(List<RelayMessage> job)
    {
        foreach (var message in job)
        {
            if (UnderWay(message) is { Sender: null } entry)
            {
                entry.IsDoubtful = true;
                _doubtful.Add(message);
            }
        }
    }

    private async Task RenumberAsync(CancellationToken cancellationToken)
    {
        if (_doubtful.Count == 0)
        {
            return;
        }

        var again = await journal.CommitAsync(
            new JournalCall<QueueDraft, List<RelayMessage>>(
                draft => new(_doubtful.FindAll(message => draft.Renumber(message.Message.Email, message.Attempt)), false), [],
                QueueEvents.MaxStartedBytes(_doubtful.Count)),
            cancellationToken);
        _doubtful.Clear();
        foreach (var message in again)
        {
            if (state.Find(message.Message.Email) is { IsInProgress: true } entry)
            {
                _starting.Add(message with { Attempt = entry.Attempts });
            }
        }
    }

    private QueueEntry? UnderWay(RelayMessage message) =>
        state.Find(message.Message.Email) is { IsInProgress: true } entry && entry.Attempts == message.Attempt ? entry : null;

    /// <summary>The first that is known to have the attempt.</summary>
    private SiloAddress NoteSender(QueueEntry entry, SiloAddress sender)
    {
        entry.Sender ??= sender;
        if (entry.IsInProgress)
        {
            _given.Add(entry);
        }

        return entry.Sender;
    }

    private List<RelayMessage> TakeJob()
    {
        var job = new List<RelayMessage>();
        var isLocal = _starting[0].Message.Recipients[0].Mailbox is not null;
        var bytes = 0L;
        foreach (var message in _starting)
        {
            bytes += message.Message.Body.Inline?.Length ?? 0;
            if (job.Count > 0 && (job.Count == Options.JobMessages || bytes > Options.JobBytes || (message.Message.Recipients[0].Mailbox is not null) != isLocal))
            {
                break;
            }

            job.Add(message);
        }

        _starting.RemoveRange(0, job.Count);
        return job;
    }

    private async Task DeliverHereAsync(List<RelayMessage> job)
    {
        foreach (var message in job)
        {
            RelayReport end;
            try
            {
                end = await parts.Local.DeliverAsync(queue, message, CancellationToken.None);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                end = new RelayReport(message.Message.Email, message.Attempt, RelayStatus.NotTried, [])
                {
                    Reason = e.Message,
                    RetryAt = time.GetUtcNow() + Options.RetryIn(1, Random.Shared.NextDouble()),
                };
            }

            await EndOrKeepAsync([end]);
        }
    }

    /// <summary>The attempts of senders whose silo has died are uncertain.</summary>
    private async Task LookAfterSendersAsync()
    {
        if (_given.Count == 0 || Now < _lookAt)
        {
            return;
        }

        _lookAt = Now + (long)Options.LookAfter.TotalMilliseconds;
        var lost = _given.Where(e => e.Sender is { } sender && parts.IsDead(sender)).ToList();
        if (lost.Count > 0)
        {
            parts.Log.SenderLost(queue, lost.Count);
            await EndOrKeepAsync([.. lost.Select(e => LostReport(e, "the sender was lost"))]);
        }
    }

    /// <summary>
    /// Attempts of an earlier activation that never ended are uncertain: after a while, or once the silo of their sender has ended. Nobody would take its
    /// report then, since it is in no cluster that could.
    /// </summary>
    private async Task RecoverAsync()
    {
        _recovering.RemoveAll(one => state.Find(one.Entry.Email) != one.Entry || one.Entry.Attempts != one.Attempt || !one.Entry.Is(EntryFlags.Started));
        if (_recovering.Count > 0 && (UntilRecovery <= TimeSpan.Zero || (_earlierSender is { } sender && parts.IsDead(sender))))
        {
            parts.Log.Recovered(queue, _recovering.Count);
            await EndOrKeepAsync([.. _recovering.Select(one => LostReport(one.Entry, "the queue was started again"))]);
            _recovering.Clear();
        }

        if (_recovering.Count == 0)
        {
            state.OwnSender = parts.OwnSender;
        }
    }

    private TimeSpan UntilRecovery => Options.ReportGrace - time.GetElapsedTime(_loaded);

    private static RelayMessage Attempt(QueueEntry entry, QueuedMessage message) =>
        new(message, entry.Attempts, [.. entry.Left.Indexes()], entry.Is(EntryFlags.Uncertain));

    // The next attempt comes at once: what is lost here is the knowledge, not the destination.
    private RelayReport LostReport(QueueEntry entry, string why) => Deferred(entry, why) with { IsUncertain = true, RetryAt = time.GetUtcNow() };

    private static RelayReport Deferred(QueueEntry entry, string why) => new(
        entry.Email, entry.Attempts, RelayStatus.Tried,
        [.. entry.Left.Indexes().Select(i => new RecipientOutcome(i, OutcomeKind.Deferred, 0, "4.3.0", why, null))]);
}
