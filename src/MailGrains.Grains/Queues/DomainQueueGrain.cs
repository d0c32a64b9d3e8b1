using System.Collections.Immutable;
using MailGrains.Contracts;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Notices;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Grains.Queues;

/// <summary>
/// One queue. Calls interleave, so that all that wait commit together.
/// <para>
/// <b>Never lost</b>: a message is kept by one transaction; the reminder is stored before the first of them. <b>Never doubled</b>: the start of an attempt
/// is committed before it is given to a sender, and the sender asks <see cref="ClaimAsync"/> before the end of the content; an activation says yes only
/// within <see cref="QueueOptions.OwnershipTime"/> of a commit of its own, and another that took over leaves recorded attempts alone for
/// <see cref="QueueOptions.ReportGrace"/>, which is longer, or until the silo of their sender has ended: one that was taken for dead and yet runs can't report,
/// and its queue's first commit fails after that of the other. What is sent again is marked as uncertain.
/// </para>
/// <para>Failure: what the store fails is temporary to the caller. A journal that is lost ends the activation; the next one reads what is stored.</para>
/// </summary>
[Reentrant]
public sealed partial class DomainQueueGrain(
    QueueParts parts, NoticePost post, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, ILogger<DomainQueueGrain> logger)
    : Grain, IDomainQueueGrain, IRemindable, IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan CatalogueWhenBusy = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SureOwner = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _deactivating = new();
    private QueueId _id;
    private QueueReminder? _reminder;
    private Journal<QueueState, QueueDraft>? _journal;
    private LiveQueue? _live;
    private IGrainTimer? _timer;
    private bool _running;
    private bool _again;
    private bool _ordered;
    private long _lastCommit;
    private long _catalogued;
    private DateTimeOffset _lastWork;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = QueueId.Parse(this.GetPrimaryKeyString());
        _reminder = new QueueReminder(RegisterAsync, UnregisterAsync, time);
        _lastWork = time.GetUtcNow();
        _timer = this.RegisterGrainTimer(
            static (grain, _) => grain.LookAsync(), this,
            new GrainTimerCreationOptions(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan) { Interleave = true, KeepAlive = true });
        await Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _deactivating.CancelAsync();
        try
        {
            await (_journal?.DrainAsync(cancellationToken) ?? Task.CompletedTask);
        }
        catch (OperationCanceledException)
        {
            parts.Log.NotDrained(_id);
        }
    }

    public void Dispose() => _deactivating.Dispose();

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        _reminder!.Ticked();
        Kick();
        return Task.CompletedTask;
    }

    public async ValueTask<EnqueueResult> EnqueueAsync(QueuedMessage message, CancellationToken cancellationToken)
    {
        var result = EnqueueResult.Of(EnqueueStatus.Unavailable);
        try
        {
            var envelope = EnvelopeCodec.Encode(message);
            result = envelope.Length > EnvelopeCodec.MaxBytes
                ? EnqueueResult.Of(EnqueueStatus.Full)
                : await _reminder!.RunAsync(parts.Options.ReminderPeriod, () => KeepAsync(message, envelope, cancellationToken));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The reminder, the store, or a defect: whatever it was may pass, and the delivery ids make the repeat harmless.
            parts.Log.NotKept(e, _id, message.TraceId);
            result = EnqueueResult.Of(e is StoreException { Failure: StoreFailure.Full } ? EnqueueStatus.Full : EnqueueStatus.Unavailable);
        }

        parts.Metrics.Enqueued(result.Status);
        return result;
    }

    public async ValueTask<bool> ClaimAsync(EmailId email, int attempt, SiloAddress sender, CancellationToken cancellationToken)
    {
        try
        {
            var live = await OpenAsync(cancellationToken);
            if (!live.IsLatest(email, attempt))
            {
                return false;
            }

            await ConfirmAsync(live, parts.Options.OwnershipTime, cancellationToken);
            return live.Claim(email, attempt, sender);
        }
        catch (Exception e) when (IsTemporary(e))
        {
            return false;
        }
    }

    public async ValueTask ReportAsync(ImmutableArray<RelayReport> reports, CancellationToken cancellationToken)
    {
        try
        {
            var live = await OpenAsync(cancellationToken);
            await live.EndAsync(reports, cancellationToken);
            Kick();
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask<QueueOverview> GetOverviewAsync(CancellationToken cancellationToken) =>
        await ReadAsync(
            live => ValueTask.FromResult(live.Overview()), new QueueOverview(_id, 0, 0, 0, null, null, null) { AsOf = time.GetUtcNow() }, cancellationToken);

    public async ValueTask<QueuePage> ListAsync(EmailId? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return await ReadAsync(
            live => live.ListAsync(after, Math.Min(limit, QueuePage.MaxLimit), cancellationToken), new QueuePage([], null), cancellationToken);
    }

    public async ValueTask<int> OrderAsync(QueueOrder order, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(order.Mark.By.Length, QueueMark.MaxByLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(order.Mark.Reason.Length, QueueMark.MaxReasonLength);
        parts.Log.Ordered(_id, order.Kind, order.Mark);
        try
        {
            // An order on what is to come makes the queue; others have nothing to meet where there is none.
            var live = order.Kind is QueueOrderKind.Suspend or QueueOrderKind.Route
                ? await OpenAsync(cancellationToken)
                : await FindAsync(cancellationToken);
            if (live is null)
            {
                return 0;
            }

            var met = await live.OrderAsync(order, cancellationToken);
            _ordered = true;
            Kick();
            return met;
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask<int> WakeAsync(CancellationToken cancellationToken) =>
        await ReadAsync(
            async live =>
            {
                await live.WakeAsync(cancellationToken);
                Kick();
                return live.State.Count;
            },
            0, cancellationToken);

    private async ValueTask<EnqueueResult> KeepAsync(QueuedMessage message, byte[] envelope, CancellationToken cancellationToken)
    {
        var live = await OpenAsync(cancellationToken);
        var result = await live.EnqueueAsync(message, envelope, cancellationToken);
        _lastWork = time.GetUtcNow();
        Kick();
        return result;
    }

    private async ValueTask<T> ReadAsync<T>(Func<LiveQueue, ValueTask<T>> read, T none, CancellationToken cancellationToken)
    {
        try
        {
            return await FindAsync(cancellationToken) is { } live ? await read(live) : none;
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    /// <summary>The queue, made where there is none: its header is written, and nothing else.</summary>
    private async ValueTask<LiveQueue> OpenAsync(CancellationToken cancellationToken)
    {
        if (await FindAsync(cancellationToken) is { } found)
        {
            return found;
        }

        await _journal!.CreateAsync(static _ => { }, cancellationToken);
        return Live(_journal);
    }

    /// <summary>The queue; null where there is none.</summary>
    private async ValueTask<LiveQueue?> FindAsync(CancellationToken cancellationToken)
    {
        if (_live is { } opened && opened.Journal.Status == JournalStatus.Live)
        {
            return opened;
        }

        var journal = _journal ??= NewJournal();
        await journal.LoadAsync(cancellationToken);
        return journal.Status == JournalStatus.Missing ? null : Live(journal);
    }

    private LiveQueue Live(Journal<QueueState, QueueDraft> journal)
    {
        if (_live is null)
        {
            _live = new LiveQueue(_id, journal, parts, post, time, Kick);
            if (_live.State.Count > 0)
            {
                Kick();
            }
        }

        return _live;
    }

    private Journal<QueueState, QueueDraft> NewJournal()
    {
        var journal = new Journal<QueueState, QueueDraft>(
            parts.Accounts[_id.Account], BodyHolder.PartitionOf(_id), static () => new QueueState(), parts.Journal, time, logger);
        journal.Committed += _ => _lastCommit = time.GetTimestamp();
        journal.Lost += lost =>
        {
            parts.Log.Lost(lost, _id);
            DeactivateOnIdle();
        };
        return journal;
    }

    /// <summary>Commits, where this activation has not for so long: where another has, it is the owner, and this one ends. Clocks that are set do not count.</summary>
    private async ValueTask ConfirmAsync(LiveQueue live, TimeSpan since, CancellationToken cancellationToken)
    {
        if (_lastCommit == 0 || time.GetElapsedTime(_lastCommit) >= since)
        {
            await live.Journal.CommitAsync(
                new JournalCall<QueueDraft, bool>(
                    draft =>
                    {
                        draft.Confirm();
                        return new(true, false);
                    },
                    [], 8),
                cancellationToken);
        }
    }

    /// <summary>Looks what is to be done, soon: what came together is seen together.</summary>
    private void Kick()
    {
        _again = true;
        if (!_running)
        {
            _timer!.Change(Soon, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task LookAsync()
    {
        if (_running)
        {
            return;
        }

        _running = true;
        try
        {
            var live = await OpenAsync(_deactivating.Token);
            bool more;
            do
            {
                _again = false;
                more = await live.RunAsync(_deactivating.Token);
                if (live.State.Count > 0 && time.GetElapsedTime(_catalogued) >= CatalogueWhenBusy)
                {
                    // One that never rests is seen too.
                    await CatalogueAsync(live, time.GetUtcNow(), isRested: false);
                }
            }
            while (more || _again);

            await RestAsync(live);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            if (!_deactivating.IsCancellationRequested)
            {
                parts.Log.RoundFailed(e, _id);
                _timer!.Change(parts.Options.BusyPause, Timeout.InfiniteTimeSpan);
            }
        }
        finally
        {
            _running = false;
            if (_again && !_deactivating.IsCancellationRequested)
            {
                // Somebody came while the rest was being prepared.
                Kick();
            }
        }
    }

    /// <summary>Sets the time of the next look; a queue with nothing to do for long leaves memory, an empty one its reminder.</summary>
    private async Task RestAsync(LiveQueue live)
    {
        var now = time.GetUtcNow();
        if (live.IsBusy || _again)
        {
            _lastWork = now;
        }

        var next = live.NextLook() is var at && at == long.MaxValue ? (TimeSpan?)null : DateTimeOffset.FromUnixTimeMilliseconds(at) - now;
        var rested = now - _lastWork;
        if (rested >= parts.Options.EmptyLinger && _reminder!.IsNear && (live.State.Count == 0 || IsToPark()))
        {
            // What is removed or put off here must not be another activation's.
            await ConfirmAsync(live, SureOwner, _deactivating.Token);
        }

        await CatalogueAsync(live, now, isRested: rested >= parts.Options.EmptyLinger);
        if (live.State.Count == 0 && rested >= parts.Options.EmptyLinger)
        {
            await _reminder!.RemoveAsync();
            return;
        }

        if (live.State.Count > 0)
        {
            await _reminder!.EnsureAsync(parts.Options.ReminderPeriod);
        }

        if (IsToPark())
        {
            // A suspended queue is looked at once a day: its catalogue's row and its reminder stay.
            if (await _reminder!.ParkAsync(next is { } until && until < TimeSpan.FromDays(1) ? until : TimeSpan.FromDays(1)) && !_again && !live.IsBusy)
            {
                // From here on nothing more comes to this activation.
                DeactivateOnIdle();
            }
            else
            {
                _timer!.Change(parts.Options.BusyPause, Timeout.InfiniteTimeSpan);
            }

            return;
        }

        bool IsToPark() =>
            live.State.Count > 0 && !live.IsBusy && !_again && rested >= parts.Options.EmptyLinger && (next is null || next > parts.Options.ParkAfter);

        // Once more when it has rested long enough to go.
        var wait = parts.Options.EmptyLinger - rested is var rest && rest > TimeSpan.Zero && (next is null || next > rest) ? rest : next ?? parts.Options.ReminderPeriod;
        _timer!.Change(wait > Soon ? wait : Soon, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Shows operators how it stands. An empty queue goes from the catalogue before its reminder goes, so that a crash in between leaves no row.</summary>
    private async Task CatalogueAsync(LiveQueue live, DateTimeOffset now, bool isRested)
    {
        var isOrdered = _ordered;
        (_ordered, _catalogued) = (false, time.GetTimestamp());
        try
        {
            if (live.State.Count > 0 || live.IsMarked)
            {
                await parts.Catalog.PutAsync(_id, live.Overview, now, isUrgent: isOrdered, _deactivating.Token);
            }
            else if (isRested || isOrdered)
            {
                await parts.Catalog.RemoveAsync(_id, _deactivating.Token);
            }
        }
        catch
        {
            _ordered |= isOrdered;
            throw;
        }
    }

    private Task<IGrainReminder> RegisterAsync(TimeSpan due) => this.RegisterOrUpdateReminder(QueueReminder.Name, due, parts.Options.ReminderPeriod);

    private async Task UnregisterAsync()
    {
        if (await this.GetReminder(QueueReminder.Name) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    private static bool IsTemporary(Exception e) => e is StoreException or JournalLostException or JournalClosedException;

    private static StoreUnavailableException Unavailable(Exception e) => new(e.Message);
}
