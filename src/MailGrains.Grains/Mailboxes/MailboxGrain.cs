using System.Collections.Immutable;
using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// One mailbox. Calls interleave, so that all that wait commit together; what they want is decided by the journal, in order, on a draft, and
/// readers see committed state only.
/// <para>
/// Failure: a call that the store fails leaves no trace and is answered as temporary. When the journal is lost (another activation has the
/// mailbox, or an outcome stayed unknown) the activation goes, and the next one reads what is stored. A mailbox that was never made is looked
/// for again at each call, so that a stale activation never tells a sender "no such mailbox".
/// </para>
/// </summary>
[Reentrant]
public sealed partial class MailboxGrain(
    MailboxStores stores, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, GrainMetrics metrics, ILogger<MailboxGrain> logger)
    : Grain, IMailboxGrain, IMailboxUpkeep, IDisposable
{
    private readonly CancellationTokenSource _deactivating = new();
    private MailboxId _id;
    private Journal<MailboxState, MailboxDraft>? _journal;
    private MailboxState? _state;
    private Task<PurgeReport>? _purge;
    private DateTimeOffset? _marked;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = MailboxId.Parse(this.GetPrimaryKeyString());
        return Task.CompletedTask;
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
            LogNotDrained(_id);
        }

        _state?.Release();
    }

    public void Dispose() => _deactivating.Dispose();

    public async ValueTask<bool> CreateAsync(long quotaBytes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quotaBytes);
        try
        {
            var journal = await OpenAsync(cancellationToken);
            var now = time.GetUtcNow();
            if (journal.Status == JournalStatus.Missing && await journal.CreateAsync(draft => draft.Begin(quotaBytes, now), cancellationToken))
            {
                LogCreated(_id, quotaBytes);
                return true;
            }

            await journal.CommitAsync(
                new JournalCall<MailboxDraft, bool>(draft => new(draft.SetQuota(quotaBytes), false), [], MailboxEvents.MaxQuotaBytes), cancellationToken);
            return true;
        }
        catch (JournalClosedException)
        {
            return false;
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask DeleteAsync(CancellationToken cancellationToken)
    {
        try
        {
            var journal = await OpenAsync(cancellationToken);
            if (journal.Status is JournalStatus.Missing or JournalStatus.Deleted)
            {
                return;
            }

            await stores.Calendar.MarkAsync(_id, time.GetUtcNow(), cancellationToken);
            await journal.DeleteAsync([], cancellationToken);
            _state?.Release();
            LogDeleted(_id);
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask<DeliveryStatus> CheckDeliveryAsync(long bytes, CancellationToken cancellationToken)
    {
        try
        {
            var state = await ReadAsync(cancellationToken);
            return state is null
                ? DeliveryStatus.NoMailbox
                : state.QuotaBytes > 0 && state.UsedBytes + Math.Max(bytes, 1) > state.QuotaBytes
                    ? DeliveryStatus.OverQuota
                    : DeliveryStatus.Delivered;
        }
        catch (Exception e) when (IsTemporary(e))
        {
            return StatusOf(e);
        }
    }

    public async ValueTask<DeliveryResult> DeliverAsync(MailboxDelivery delivery, CancellationToken cancellationToken)
    {
        DeliveryResult result;
        try
        {
            var journal = await OpenAsync(cancellationToken);
            var call = new JournalCall<MailboxDraft, DeliveryDecision>(
                draft => draft.Deliver(delivery, time.GetUtcNow()) is var decision && decision.Status == DeliveryStatus.Delivered
                    ? new(decision, true)
                    : new(decision, false),
                MessageRows.Of(delivery),
                MailboxEvents.MaxDeliveredBytes(delivery.Keywords, delivery.OtherIds.IsDefault ? 0 : delivery.OtherIds.Length));
            var decided = await journal.CommitAsync(call, cancellationToken);
            result = decided.Status == DeliveryStatus.Repeated
                ? await RepeatedAsync(decided.Email, cancellationToken)
                : new DeliveryResult(decided.Status, decided.Email, null);
        }
        catch (JournalClosedException)
        {
            result = DeliveryResult.Of(DeliveryStatus.NoMailbox);
        }
        catch (Exception e) when (IsTemporary(e))
        {
            LogDeliveryFailed(e, _id, delivery.TraceId);
            result = DeliveryResult.Of(StatusOf(e));
        }

        metrics.Delivered(result.Status);
        return result;
    }

    public async ValueTask<MailboxOverview?> GetOverviewAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(cancellationToken) is { } state
                ? new MailboxOverview(state.QuotaBytes, state.UsedBytes, [.. state.Folders.Select(f => new FolderOverview(
                    f.Id, f.Name, f.SpecialUse, f.UidValidity, f.UidNext, f.HighestModSeq, f.Messages, f.Unseen))])
                : null;
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask<MessagePage?> ListMessagesAsync(int folder, uint afterUid, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        try
        {
            return await ReadAsync(cancellationToken) is { } state && state.Find(folder) is { } found
                ? await state.ListAsync(found, afterUid, Math.Min(limit, MailboxLimits.MaxPage), cancellationToken)
                : null;
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask<ImmutableArray<MessageContent>> GetContentAsync(ImmutableArray<EmailId> emails, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(emails.Length, MailboxLimits.MaxPage);
        try
        {
            return await ReadAsync(cancellationToken) is { } state ? await state.FindAsync(emails, cancellationToken) : [];
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    public async ValueTask<FlagsStored> StoreFlagsAsync(StoreFlagsRequest request, CancellationToken cancellationToken)
    {
        var stored = FlagsStored.Nothing;
        await ChangeAsync(
            request.Folder, request.Uids,
            (draft, folder, uids) => draft.StoreFlags(folder, uids.Span, request),
            MailboxEvents.MaxKeywordBytes(request.Keywords),
            part => stored = new FlagsStored(stored.Changed.AddRange(part.Changed), stored.Modified.AddRange(part.Modified), part.ModSeq)
            {
                Refused = part.Refused,
            },
            cancellationToken);
        return stored;
    }

    public async ValueTask<int> ExpungeAsync(int folder, ImmutableArray<uint> uids, CancellationToken cancellationToken)
    {
        var expunged = 0;
        var due = time.GetUtcNow() + stores.Options.UndoWindow;
        await ChangeAsync(
            folder, uids,
            (draft, found, some) => draft.Expunge(found, some.Span, time.GetUtcNow()) is { } count ? new Expunged(count) : null,
            0,
            part => expunged += part.Messages,
            cancellationToken,
            before: () => MarkAsync(due, cancellationToken));
        PurgeWhereDue();
        return expunged;
    }

    public async ValueTask<PurgeReport> PurgeAsync(bool eraseNow, CancellationToken cancellationToken)
    {
        try
        {
            var journal = await OpenAsync(cancellationToken);
            if (journal.Status == JournalStatus.Missing)
            {
                return new PurgeReport(0, null);
            }

            if (eraseNow)
            {
                // What runs already keeps to the window.
                await Task.WhenAny(_purge ?? Task.CompletedTask);
            }

            return await StartPurge(journal, eraseNow).WaitAsync(cancellationToken);
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    /// <summary>The reply to a repeat names the blob of the message that was kept, so that the caller can tell whether its own is another.</summary>
    private async ValueTask<DeliveryResult> RepeatedAsync(EmailId kept, CancellationToken cancellationToken) =>
        new(DeliveryStatus.Repeated, kept, (await stores.Messages.ReadAsync(_id, kept, cancellationToken))?.Blob);

    /// <summary>
    /// Changes messages by as many commits as their number takes, one as a rule. Their segments stay in memory until the commit; where one left
    /// it before it was held, the call answers null and comes again.
    /// </summary>
    private async ValueTask ChangeAsync<TPart>(
        int folder, ImmutableArray<uint> uids, Func<MailboxDraft, FolderState, ReadOnlyMemory<uint>, TPart?> decide, int maxExtraBytes,
        Action<TPart> committed, CancellationToken cancellationToken, Func<ValueTask>? before = null)
        where TPart : class
    {
        uint[] ascending = [.. uids.Distinct().Order()];
        try
        {
            if (await ReadAsync(cancellationToken) is not { } state || state.Find(folder) is not { } found || ascending.Length == 0)
            {
                return;
            }

            await (before?.Invoke() ?? ValueTask.CompletedTask);
            for (ReadOnlyMemory<uint> rest = ascending; rest.Length > 0;)
            {
                var pins = new List<SegmentPin>();
                try
                {
                    var covered = await state.PinNextAsync(found, rest, pins, cancellationToken);
                    var some = rest[..covered];
                    var call = new JournalCall<MailboxDraft, TPart?>(
                        draft => new(decide(draft, found, some), false), [], MailboxEvents.MaxChangeBytes(some.Span) + maxExtraBytes);
                    if (await _journal!.CommitAsync(call, cancellationToken) is { } part)
                    {
                        committed(part);
                        rest = rest[covered..];
                    }
                }
                finally
                {
                    pins.ForEach(p => p.Dispose());
                }
            }
        }
        catch (JournalClosedException)
        {
            // Deleted meanwhile: there is nothing to change.
        }
        catch (Exception e) when (IsTemporary(e))
        {
            throw Unavailable(e);
        }
    }

    /// <summary>The committed state, or null where there is no such mailbox.</summary>
    private async ValueTask<MailboxState?> ReadAsync(CancellationToken cancellationToken)
    {
        var journal = await OpenAsync(cancellationToken);
        return journal.Status is JournalStatus.Missing or JournalStatus.Deleted ? null : journal.State;
    }

    private async ValueTask<Journal<MailboxState, MailboxDraft>> OpenAsync(CancellationToken cancellationToken)
    {
        if (_journal is { Status: not (JournalStatus.NotLoaded or JournalStatus.Missing) } loaded)
        {
            return loaded;
        }

        var journal = _journal ??= NewJournal();
        await journal.LoadAsync(cancellationToken);
        if (journal.Status == JournalStatus.Live && _state is null)
        {
            _state = journal.State;
            PurgeWhereDue();
        }

        return journal;
    }

    private Journal<MailboxState, MailboxDraft> NewJournal()
    {
        var journal = new Journal<MailboxState, MailboxDraft>(
            stores.Accounts[_id.Account], BodyHolder.PartitionOf(_id), () => new MailboxState(stores.Segments), stores.Journal, time, logger);
        journal.Lost += lost =>
        {
            LogLost(lost, _id);
            DeactivateOnIdle();
        };
        return journal;
    }

    /// <summary>Sees to it that upkeep wakes this mailbox when its oldest expunged messages are due.</summary>
    private async ValueTask MarkAsync(DateTimeOffset due, CancellationToken cancellationToken)
    {
        if (_marked is null || _marked > due)
        {
            await stores.Calendar.MarkAsync(_id, due, cancellationToken);
            _marked = due;
        }
    }

    /// <summary>Goes on with an interrupted purge, and starts one where there is more than the bounds allow; upkeep does the rest in time.</summary>
    private void PurgeWhereDue()
    {
        if (_journal is { Status: JournalStatus.Live } journal && MailboxPurge.IsDue(journal.State, stores.Options, time.GetUtcNow()))
        {
            _ = StartPurge(journal, eraseNow: false);
        }
    }

    private Task<PurgeReport> StartPurge(Journal<MailboxState, MailboxDraft> journal, bool eraseNow) =>
        _purge is { IsCompleted: false } ? _purge : _purge = PurgeAsync(journal, eraseNow);

    private async Task<PurgeReport> PurgeAsync(Journal<MailboxState, MailboxDraft> journal, bool eraseNow)
    {
        try
        {
            var purge = new MailboxPurge(_id, journal, stores, time);
            var report = await purge.RunAsync(eraseNow, _deactivating.Token);
            if (report.NextDue is { } due)
            {
                await stores.Calendar.MarkAsync(_id, due, _deactivating.Token);
            }

            _marked = report.NextDue;
            LogPurged(_id, report.Messages, report.NextDue);
            return report;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogPurgeFailed(e, _id);
            throw;
        }
    }

    private static bool IsTemporary(Exception e) => e is StoreException or JournalLostException;

    private static DeliveryStatus StatusOf(Exception e) =>
        e is StoreException { Failure: StoreFailure.Full } ? DeliveryStatus.StoreFull : DeliveryStatus.Unavailable;

    private StoreUnavailableException Unavailable(Exception e)
    {
        LogUnavailable(e, _id);
        return new StoreUnavailableException(e.Message);
    }

    private sealed record Expunged(int Messages);
}
