using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

/// <summary>The journal of one owner. Signatures; the behaviour follows.</summary>
/// <param name="account">The owner's storage account.</param>
/// <param name="partition">The owner's partition of <see cref="TableNames.Mail"/>, made of <see cref="TableKey"/>s joined by ':'.</param>
/// <param name="empty">Makes the state of an owner without history; called once a load.</param>
public sealed class Journal<TState, TDraft>(
    StorageAccount account, string partition, Func<TState> empty, JournalOptions options, TimeProvider time, ILogger logger)
    where TState : class, IJournalState<TDraft>
    where TDraft : class, IJournalDraft
{
    /// <summary>Heard after each commit that carried events, when the state has them and before the callers are answered; must not throw.</summary>
    public event Action<long>? Committed;

    /// <summary>Heard once, when the journal is lost (found by a call or in the background): the owner deactivates.</summary>
    public event Action<JournalLostException>? Lost;

    public JournalStatus Status { get; private set; }

    /// <summary>The committed state of a live owner.</summary>
    /// <exception cref="JournalClosedException">There is no live header.</exception>
    /// <exception cref="JournalLostException">The journal is lost.</exception>
    public TState State => throw new NotSupportedException();

    /// <summary>The sequence of the last commit with events; 0 before the first.</summary>
    public long Sequence { get; private set; }

    /// <summary>When the owner was deleted; null for a live one.</summary>
    public DateTimeOffset? DeletedAt { get; private set; }

    /// <summary>Reads header, snapshot head and the commits behind it; sets <see cref="Status"/>. Of a deleted owner only the header.</summary>
    /// <exception cref="StoreException">The journal stays <see cref="JournalStatus.NotLoaded"/>.</exception>
    public ValueTask LoadAsync(CancellationToken cancellationToken) => throw new NotSupportedException($"{account} {partition} {empty} {options} {time} {logger} {Committed} {Lost}");

    /// <summary>
    /// Makes the header of an owner that has none, with the events that <paramref name="begin"/> writes to an empty draft, in one
    /// transaction. Where a header is there already (another writer was first) the journal is loaded instead.
    /// </summary>
    /// <returns>True when made now; else <see cref="Status"/> says whether the owner lives or was deleted.</returns>
    public ValueTask<bool> CreateAsync(Action<TDraft> begin, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>
    /// Waits until the call is decided and committed. The token counts until the call is taken into a batch.
    /// </summary>
    /// <exception cref="StoreException">Nothing of the call was written; the journal goes on. Refused: its rows break a limit or a condition.</exception>
    /// <exception cref="JournalClosedException">There is no live header.</exception>
    /// <exception cref="JournalLostException">The journal is lost; the call may or may not be committed.</exception>
    public ValueTask<TResult> CommitAsync<TResult>(JournalCall<TDraft, TResult> call, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>
    /// Writes (or deletes) any number of rows in as many transactions as they need, each fenced by the header, in order; no journal record
    /// names them yet. For commands larger than a transaction, and for purges, of deleted owners too.
    /// </summary>
    public ValueTask WriteRowsAsync(IReadOnlyList<TableOperation> rows, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Turns the header into a tombstone, with <paramref name="rows"/> in the same transaction; the id is never used again. A repeat does nothing.</summary>
    public ValueTask DeleteAsync(IReadOnlyList<TableOperation> rows, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Removes the journal rows and snapshots of a deleted owner; may be repeated.</summary>
    public ValueTask PurgeHistoryAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Writes a snapshot now, unless one is being written; false when it failed or nothing has changed.</summary>
    public ValueTask<bool> SnapshotAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>For deactivation: takes no more calls, waits until those that wait are answered, gives up a snapshot in progress.</summary>
    public Task DrainAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
}
