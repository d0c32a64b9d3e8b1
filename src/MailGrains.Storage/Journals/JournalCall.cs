using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>
/// A call that waits for its commit. It is decided at the flush, on the committed state plus the earlier calls of the batch: that is
/// when UIDs are given, quotas are checked and repeated delivery ids are recognised.
/// </summary>
/// <param name="Decide">
/// Reads and changes the draft and says what the caller gets. It looks first and changes then: where it throws it must not have changed
/// the draft. It may be run more than once; only the last run counts.
/// </param>
/// <param name="Rows">
/// Rows of the owner's partition that are written (or deleted) in the same transaction when the decision keeps them; at most one
/// transaction's worth. Known before the decision, so that a batch can be cut to the store's limits.
/// </param>
/// <param name="MaxEventBytes">An upper bound of what <paramref name="Decide"/> writes as events, in bytes.</param>
public sealed record JournalCall<TDraft, TResult>(
    Func<TDraft, JournalDecision<TResult>> Decide, IReadOnlyList<TableOperation> Rows, int MaxEventBytes)
    where TDraft : class, IJournalDraft;

/// <summary>What a call decided; with <see cref="KeepRows"/> false its rows are not written (a repeated delivery, a refusal).</summary>
public readonly record struct JournalDecision<TResult>(TResult Result, bool KeepRows);

/// <summary>Where an owner stands.</summary>
public enum JournalStatus
{
    NotLoaded = 0,

    /// <summary>There is no header: the owner was never made.</summary>
    Missing = 1,

    Live = 2,

    /// <summary>The owner was deleted; its id is never used again.</summary>
    Deleted = 3,

    /// <summary>Another writer has committed, or time ran out on an unknown outcome: drop everything and deactivate.</summary>
    Lost = 4,
}

/// <summary>
/// The journal can't go on: another writer has the owner (<see cref="Fenced"/>), or the outcome of a commit stayed unknown until the time
/// ran out. The state is dropped; what the caller asked for may or may not have been done. To a mail client it is temporary.
/// </summary>
public sealed class JournalLostException(bool fenced, string message, Exception? inner = null) : Exception(message, inner)
{
    public bool Fenced { get; } = fenced;
}

/// <summary>The call needs a live owner and there is none: never made (<see cref="JournalStatus.Missing"/>) or deleted. Permanent.</summary>
public sealed class JournalClosedException(JournalStatus status) : Exception($"The journal is {status}.")
{
    public JournalStatus Status { get; } = status;
}
