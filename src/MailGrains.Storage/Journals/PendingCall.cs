using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>A call in the queue, whatever its result.</summary>
internal abstract class PendingCall<TDraft>(IReadOnlyList<TableOperation> rows, int rowBytes, int maxEventBytes, CancellationToken cancellationToken)
    where TDraft : class, IJournalDraft
{
    public IReadOnlyList<TableOperation> Rows { get; } = rows;

    /// <summary>What the rows take of a transaction.</summary>
    public int RowBytes { get; } = rowBytes;

    public int MaxEventBytes { get; } = maxEventBytes;

    /// <summary>Counts until the call is decided.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>What the call changes in the header, in the same transaction.</summary>
    public Func<JournalHeader, JournalHeader>? ChangeHeader { get; set; }

    /// <summary>Runs when the call is committed and applied, before it is answered.</summary>
    public Action? WhenCommitted { get; set; }

    /// <summary>Served of a deleted owner too.</summary>
    public bool ServesDeleted { get; set; }

    /// <summary>The call behind this one goes into the next batch.</summary>
    public bool EndsBatch { get; set; }

    /// <summary>The store refused a batch with this call: it goes into a batch of its own, so that it fails alone or not at all.</summary>
    public bool Alone { get; set; }

    /// <summary>The last decision changed something that is to be committed.</summary>
    public bool Changes { get; private set; }

    /// <summary>Decides on the draft; true when the call's rows are to be written.</summary>
    public bool Decide(TDraft draft, ref int eventBytes)
    {
        var keepRows = Decide(draft) && Rows.Count > 0;
        var written = draft.Events.Length - eventBytes;
        if (written < 0 || written > MaxEventBytes)
        {
            throw new InvalidOperationException($"A call has written {written} bytes of events, not the {MaxEventBytes} that it announced.");
        }

        eventBytes += written;
        Changes = written > 0 || keepRows || ChangeHeader is not null;
        return keepRows;
    }

    public abstract void Answer();

    public abstract void Fail(Exception reason);

    protected abstract bool Decide(TDraft draft);
}

internal sealed class PendingCall<TDraft, TResult>(
    Func<TDraft, JournalDecision<TResult>> decide, IReadOnlyList<TableOperation> rows, int rowBytes, int maxEventBytes,
    CancellationToken cancellationToken)
    : PendingCall<TDraft>(rows, rowBytes, maxEventBytes, cancellationToken)
    where TDraft : class, IJournalDraft
{
    private readonly TaskCompletionSource<TResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TResult? _result;

    public Task<TResult> Answered => _answer.Task;

    public override void Answer() => _answer.TrySetResult(_result!);

    public override void Fail(Exception reason)
    {
        if (reason is OperationCanceledException)
        {
            _answer.TrySetCanceled(CancellationToken);
        }
        else
        {
            _answer.TrySetException(reason);
        }
    }

    protected override bool Decide(TDraft draft)
    {
        var decision = decide(draft);
        _result = decision.Result;
        return decision.KeepRows;
    }
}
