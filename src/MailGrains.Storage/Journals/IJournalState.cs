namespace MailGrains.Storage.Journals;

/// <summary>
/// What a journal keeps: the committed state of one owner (a mailbox, a queue). It changes by <see cref="Apply"/> alone, with the same
/// events when they are committed and when they are read again. Calls are decided on a draft that lies over it, so that readers see
/// committed state only and a failed commit leaves no trace. The journal calls everything here from one logical thread (the grain's).
/// </summary>
/// <typeparam name="TDraft">The overlay that the calls of one batch are decided on.</typeparam>
public interface IJournalState<TDraft>
    where TDraft : class, IJournalDraft
{
    /// <summary>An empty draft over the committed state.</summary>
    TDraft BeginDraft();

    /// <summary>
    /// Changes the state by the events of one commit. Never fails on events that a draft has written; events of a newer format throw
    /// <see cref="StoreException"/> with <see cref="StoreFailure.Unreadable"/>.
    /// </summary>
    void Apply(long sequence, ReadOnlySpan<byte> events);

    /// <summary>Takes the state of a snapshot's head; its segments are loaded later, through <paramref name="segments"/>, when asked for.</summary>
    void Restore(ReadOnlyMemory<byte> head, ISegmentReader segments);

    /// <summary>
    /// Loads the segments that have changes but are not in memory, since the next <see cref="CaptureSnapshot"/> writes them. The journal
    /// calls again where calls that came in between have changed more.
    /// </summary>
    ValueTask PrepareSnapshotAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The state as of now: the head, and the segments that have changed since the last snapshot that was written
    /// (<see cref="SnapshotWritten"/>) or restored. Null when a changed segment is not in memory.
    /// </summary>
    SnapshotCapture? CaptureSnapshot();

    /// <summary>
    /// The captured snapshot is the committed one now; changes since <see cref="CaptureSnapshot"/> stay changes. From now on segments are read
    /// through <paramref name="segments"/>: a state that was never restored has had no reader until its first snapshot.
    /// </summary>
    void SnapshotWritten(SnapshotCapture capture, ISegmentReader segments);
}

/// <summary>The events that the calls of a batch have decided so far, over the committed state.</summary>
public interface IJournalDraft
{
    /// <summary>The encoded events, in order; empty when no call has changed anything.</summary>
    ReadOnlyMemory<byte> Events { get; }
}

/// <summary>Reads a segment of the committed snapshot.</summary>
public interface ISegmentReader
{
    /// <exception cref="StoreException">The segment could not be read.</exception>
    ValueTask<ReadOnlyMemory<byte>> ReadAsync(int segment, CancellationToken cancellationToken);
}

/// <summary>A snapshot to be written. Segments that are not named keep the bytes that they have in the snapshot before.</summary>
public sealed record SnapshotCapture(
    ReadOnlyMemory<byte> Head, IReadOnlyDictionary<int, ReadOnlyMemory<byte>> ChangedSegments, IReadOnlyList<int> RemovedSegments);
