using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

/// <summary>
/// Takes batches from the queue, one at a time, until none waits: decide, commit, apply, tell, answer. While one transaction is under way
/// the calls of the next gather. Runs on the journal's scheduler alone, so that nothing else touches the state meanwhile.
/// </summary>
internal sealed class CommitLoop<TDraft>(
    IJournalState<TDraft> state, HeaderFence fence, CallQueue<TDraft> queue, string partition, TimeProvider time, ILogger logger,
    Action<long, int> committed, Action<JournalLostException> lost)
    where TDraft : class, IJournalDraft
{
    private readonly CallBatch<TDraft> _batch = new();

    /// <summary>The last sequence that the state has taken: the fence's header may be one ahead for a moment.</summary>
    public long Applied { get; private set; } = fence.Header?.Sequence ?? 0;

    public async Task RunAsync()
    {
        // Calls that stand behind this one in the grain's queue join the first batch.
        await Task.Yield();
        while (queue.TakeBatch(_batch.Calls))
        {
            try
            {
                await FlushAsync();
            }
            catch (Exception e)
            {
                Lose(new JournalLostException(fenced: false, $"A commit to '{partition}' failed unexpectedly.", e));
            }

            _batch.Clear();
        }
    }

    private async ValueTask FlushAsync()
    {
        RefuseWhereDeleted();
        _batch.Decide(state.BeginDraft, queue);
        for (var i = 0; i < _batch.Unchanged; i++)
        {
            _batch.Calls[i].Answer();
        }

        _batch.Calls.RemoveRange(0, _batch.Unchanged);
        if (_batch.Calls.Count == 0)
        {
            return;
        }

        var hasEvents = _batch.Events.Length > 0;
        var next = Next(hasEvents);
        var operations = _batch.Operations(
            fence.HeaderOperation(next),
            hasEvents ? TableOperation.Insert(JournalRows.Key(next.Sequence), JournalRows.Encode(time.GetUtcNow(), _batch.Events.Span)) : null);
        var outcome = await fence.CommitAsync(next, operations);
        switch (outcome.Kind)
        {
            case FenceOutcomeKind.Committed:
                Apply(next.Sequence);
                break;
            case FenceOutcomeKind.RowConflict:
                FailRowConflict(outcome.FailedOperation, hasEvents);
                break;
            case FenceOutcomeKind.Failed:
                FailKnown((StoreException)outcome.Reason!);
                break;
            default:
                Lose((JournalLostException)outcome.Reason!);
                break;
        }
    }

    private JournalHeader Next(bool hasEvents)
    {
        var next = fence.Header! with { Batch = fence.NextBatch() };
        if (hasEvents)
        {
            next = next with { Sequence = next.Sequence + 1 };
        }

        foreach (var call in _batch.Calls)
        {
            next = call.ChangeHeader?.Invoke(next) ?? next;
        }

        return next;
    }

    private void Apply(long sequence)
    {
        var bytes = _batch.Events.Length;
        try
        {
            if (bytes > 0)
            {
                state.Apply(sequence, _batch.Events.Span);
                Applied = sequence;
            }

            foreach (var call in _batch.Calls)
            {
                call.WhenCommitted?.Invoke();
            }
        }
        catch (Exception e)
        {
            // The commit stands; a state that may have taken half of it does not.
            logger.ApplyFailed(partition, sequence, e);
            Lose(new JournalLostException(fenced: false, $"The state of '{partition}' failed to take a commit.", e));
            return;
        }

        if (bytes > 0)
        {
            committed(sequence, bytes);
        }

        foreach (var call in _batch.Calls)
        {
            call.Answer();
        }
    }

    private void RefuseWhereDeleted()
    {
        if (fence.Header!.Status == JournalStatus.Live)
        {
            return;
        }

        for (var i = _batch.Calls.Count - 1; i >= 0; i--)
        {
            if (!_batch.Calls[i].ServesDeleted)
            {
                _batch.Calls[i].Fail(new JournalClosedException(JournalStatus.Deleted));
                _batch.Calls.RemoveAt(i);
            }
        }
    }

    private void FailRowConflict(int operation, bool hasEvents)
    {
        var culprit = _batch.CallOf(operation) ?? (_batch.Calls is [{ Rows.Count: > 0 } only] && !(hasEvents && operation == 1) ? only : null);
        if (culprit is not null)
        {
            culprit.Fail(new StoreException(StoreFailure.Refused, $"The condition of a row of '{partition}' does not hold."));
            queue.Return(_batch.Calls.Where(call => call != culprit));
        }
        else if (operation > 0 || _batch.Calls.Count == 1)
        {
            Lose(new JournalLostException(fenced: false, $"'{partition}' has a journal row beyond its header."));
        }
        else
        {
            Separate();
        }
    }

    /// <summary>Nothing was written: the batch's callers hear why, the draft is dropped, the journal goes on.</summary>
    private void FailKnown(StoreException reason)
    {
        if (reason.Failure == StoreFailure.Refused && _batch.Calls.Count > 1)
        {
            Separate();
            return;
        }

        foreach (var call in _batch.Calls)
        {
            call.Fail(new StoreException(reason.Failure, reason.Message, reason));
        }
    }

    /// <summary>One of the calls is at fault and the store does not say which: each gets a transaction of its own.</summary>
    private void Separate()
    {
        foreach (var call in _batch.Calls)
        {
            call.Alone = true;
        }

        queue.Return(_batch.Calls);
    }

    private void Lose(JournalLostException reason)
    {
        queue.Close(() => Copy(reason));
        foreach (var call in _batch.Calls.Concat(queue.TakeAll()))
        {
            call.Fail(Copy(reason));
        }

        lost(reason);
    }

    private static JournalLostException Copy(JournalLostException reason) => new(reason.Fenced, reason.Message, reason.InnerException ?? reason);
}
