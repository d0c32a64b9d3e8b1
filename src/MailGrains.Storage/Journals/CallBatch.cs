using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The calls of one transaction, decided in order on one draft. A call that throws fails alone, and the batch is decided again without
/// it, since it may have changed the draft; a call that keeps a row of an earlier one's name goes into the next batch.
/// </summary>
internal sealed class CallBatch<TDraft>
    where TDraft : class, IJournalDraft
{
    private readonly HashSet<string> _rows = new(StringComparer.Ordinal);
    private readonly List<(PendingCall<TDraft> Call, int FirstOperation)> _kept = [];

    public List<PendingCall<TDraft>> Calls { get; } = [];

    /// <summary>The events of all calls; valid until the next decision.</summary>
    public ReadOnlyMemory<byte> Events { get; private set; }

    /// <summary>How many calls at the front change nothing, so that their answers wait for no commit.</summary>
    public int Unchanged { get; private set; }

    public bool ChangesNothing => Unchanged == Calls.Count;

    public void Clear()
    {
        Calls.Clear();
        _rows.Clear();
        _kept.Clear();
        Events = default;
        Unchanged = 0;
    }

    /// <summary>Decides all calls; calls that don't fit go back to the queue.</summary>
    public void Decide(Func<TDraft> beginDraft, CallQueue<TDraft> queue)
    {
        for (var i = Calls.Count - 1; i >= 0; i--)
        {
            if (Calls[i].CancellationToken.IsCancellationRequested)
            {
                Calls[i].Fail(new OperationCanceledException(Calls[i].CancellationToken));
                Calls.RemoveAt(i);
            }
        }

        while (Calls.Count > 0 && !TryDecide(beginDraft(), queue))
        {
        }
    }

    /// <summary>The transaction: header, events, the kept rows of each call.</summary>
    public List<TableOperation> Operations(TableOperation header, TableOperation? events)
    {
        var count = 2;
        foreach (var (call, _) in _kept)
        {
            count += call.Rows.Count;
        }

        var operations = new List<TableOperation>(count) { header };
        if (events is not null)
        {
            operations.Add(events);
        }

        for (var i = 0; i < _kept.Count; i++)
        {
            _kept[i] = (_kept[i].Call, operations.Count);
            operations.AddRange(_kept[i].Call.Rows);
        }

        return operations;
    }

    /// <summary>The call whose row is that operation of <see cref="Operations"/>; null for the header, the events and an unknown one.</summary>
    public PendingCall<TDraft>? CallOf(int operation)
    {
        foreach (var (call, first) in _kept)
        {
            if (operation >= first && operation < first + call.Rows.Count)
            {
                return call;
            }
        }

        return null;
    }

    private bool TryDecide(TDraft draft, CallQueue<TDraft> queue)
    {
        _rows.Clear();
        _kept.Clear();
        Unchanged = 0;
        var eventBytes = 0;
        for (var i = 0; i < Calls.Count; i++)
        {
            var call = Calls[i];
            bool keepRows;
            try
            {
                keepRows = call.Decide(draft, ref eventBytes);
            }
            catch (Exception e)
            {
                Calls.RemoveAt(i);
                call.Fail(e);
                return false;
            }

            if (keepRows && Calls.Count > 1 && !TryClaimRows(call))
            {
                queue.Return(Calls.Skip(i));
                Calls.RemoveRange(i, Calls.Count - i);
                return false;
            }

            if (keepRows)
            {
                _kept.Add((call, 0));
            }

            if (!call.Changes && Unchanged == i)
            {
                Unchanged++;
            }
        }

        Events = draft.Events;
        return true;
    }

    private bool TryClaimRows(PendingCall<TDraft> call)
    {
        foreach (var row in call.Rows)
        {
            if (!_rows.Add(row.Row))
            {
                return false;
            }
        }

        return true;
    }
}
