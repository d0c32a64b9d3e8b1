namespace MailGrains.Storage.Journals;

/// <summary>
/// The calls that wait for their batch, first come, first served. Calls arrive from any thread; batches are taken by the one flush that
/// runs. Bounded in calls and bytes; what is the journal's own (snapshots, truncation) is few and always taken.
/// </summary>
internal sealed class CallQueue<TDraft>(JournalOptions options)
    where TDraft : class, IJournalDraft
{
    private readonly Lock _gate = new();
    private readonly Queue<PendingCall<TDraft>> _waiting = new();

    // Calls of a batch that was cut or refused: they go before all that wait.
    private readonly Queue<PendingCall<TDraft>> _returned = new();
    private long _waitingBytes;
    private bool _flushing;
    private Func<Exception>? _closed;

    /// <summary>Adds a call; true when a flush has to be started for it.</summary>
    /// <exception cref="StoreException">Too many calls wait already.</exception>
    public bool Add(PendingCall<TDraft> call, bool always)
    {
        lock (_gate)
        {
            if (_closed is { } reason)
            {
                throw reason();
            }

            var isFull = _waiting.Count >= options.MaxWaitingCalls ||
                (_waiting.Count > 0 && _waitingBytes + call.RowBytes > options.MaxWaitingBytes);
            if (isFull && !always)
            {
                throw new StoreException(StoreFailure.Unavailable, "Too many calls wait for their commit.");
            }

            _waiting.Enqueue(call);
            _waitingBytes += call.RowBytes;
            return !_flushing && (_flushing = true);
        }
    }

    /// <summary>
    /// Moves the next calls that fit one transaction to <paramref name="batch"/>; false, and no flush runs any more, when none waits.
    /// </summary>
    public bool TakeBatch(List<PendingCall<TDraft>> batch)
    {
        var room = new BatchRoom();
        lock (_gate)
        {
            while (batch.Count < BatchRoom.MaxCalls && (_returned.Count > 0 ? _returned : _waiting) is { Count: > 0 } queue)
            {
                var call = queue.Peek();
                if ((batch.Count > 0 && call.Alone) || !room.Take(call.Rows.Count, call.RowBytes, call.MaxEventBytes))
                {
                    break;
                }

                queue.Dequeue();
                _waitingBytes -= queue == _waiting ? call.RowBytes : 0;
                batch.Add(call);
                if (call.Alone || call.EndsBatch)
                {
                    break;
                }
            }

            return batch.Count > 0 || (_flushing = false);
        }
    }

    /// <summary>Puts calls of the current batch back, before all others; called by the flush alone.</summary>
    public void Return(IEnumerable<PendingCall<TDraft>> calls)
    {
        lock (_gate)
        {
            var behind = _returned.ToArray();
            _returned.Clear();
            foreach (var call in calls.Concat(behind))
            {
                _returned.Enqueue(call);
            }
        }
    }

    /// <summary>Refuses calls from now on; those that wait stay.</summary>
    public void Close(Func<Exception> reason)
    {
        lock (_gate)
        {
            _closed = reason;
        }
    }

    /// <summary>Takes all that wait.</summary>
    public List<PendingCall<TDraft>> TakeAll()
    {
        lock (_gate)
        {
            List<PendingCall<TDraft>> all = [.. _returned, .. _waiting];
            _returned.Clear();
            _waiting.Clear();
            _waitingBytes = 0;
            return all;
        }
    }
}
