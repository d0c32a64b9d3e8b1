using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MailGrains.Storage.Journals;

/// <summary>What a snapshot is taken of.</summary>
internal readonly record struct SnapshotSource(Func<JournalHeader> Header, Func<long> Applied, CommitHeader Commit);

/// <summary>
/// Writes snapshots beside the commits: capture at one sequence, the changed segments and then the head as blobs, then a commit that
/// makes the header name the head. A crash anywhere before that commit leaves the snapshot before in force and blobs that no head names
/// (<see cref="SnapshotSweep"/> finds them). What the new snapshot makes useless goes after that commit.
/// </summary>
internal sealed class SnapshotWriter<TDraft>(
    IJournalState<TDraft> state, CommittedSegments segments, SnapshotBlobs blobs, SnapshotSource source, JournalOptions options, TimeProvider time)
    where TDraft : class, IJournalDraft
{
    private const int MaxCaptures = 16;

    /// <summary>Writes a snapshot; false when nothing was committed since the last.</summary>
    /// <exception cref="StoreException">Failed; the snapshot before stays in force.</exception>
    /// <exception cref="JournalLostException">The journal is lost.</exception>
    public async Task<bool> WriteAsync(Action captured, CancellationToken cancellationToken)
    {
        if (source.Applied() == (segments.Head?.Id.Sequence ?? 0))
        {
            return false;
        }

        var (capture, sequence) = await CaptureAsync(captured, cancellationToken);
        var id = new SnapshotId(sequence, NewRandom());
        var newest = new SnapshotHead(
            id, DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()), [],
            capture.ChangedSegments.ToDictionary(s => s.Key, s => new SegmentBlob(id.Sequence, NewRandom(), s.Value.Length)), [], capture.Head);
        var head = SnapshotRetention.Plan(
            segments.Head, newest, capture.RemovedSegments, options.UndoWindow, out var through, out var droppedHeads, out var droppedSegments);

        var written = new List<string>();
        try
        {
            foreach (var (segment, bytes) in capture.ChangedSegments)
            {
                await WriteAsync(blobs.NameOf(segment, newest.Segments[segment]), bytes, written, cancellationToken);
            }

            await WriteAsync(blobs.NameOf(id), head.Encode(), written, cancellationToken);
            await source.Commit(h => h with { Snapshot = id }, () => Take(head, capture), []);
        }
        catch (Exception e) when (e is StoreException or JournalClosedException)
        {
            // Known not to be in force, so nobody can have read the header's new name.
            await DeleteAsync(written);
            throw;
        }

        await DeleteAsync(droppedHeads.Select(blobs.NameOf).Concat(droppedSegments.Select(s => blobs.NameOf(s.Segment, s.Blob))));
        await JournalTruncation.RemoveRowsAsync(source.Header, through, MaxRemovedRows, source.Commit, cancellationToken);
        return true;
    }

    /// <summary>Twice what the journal grows between two snapshots, so that truncation catches up and yet ends.</summary>
    private long MaxRemovedRows => 2L * options.SnapshotAfterCommits + 99;

    private async Task<(SnapshotCapture Capture, long Sequence)> CaptureAsync(Action captured, CancellationToken cancellationToken)
    {
        for (var i = 0; i < MaxCaptures; i++)
        {
            await state.PrepareSnapshotAsync(cancellationToken);
            if (state.CaptureSnapshot() is { } capture)
            {
                // In one step with the capture: a commit may be applied before the caller goes on.
                captured();
                return (capture, source.Applied());
            }
        }

        throw new StoreException(StoreFailure.Unavailable, "The state changed faster than its segments could be loaded.");
    }

    private void Take(SnapshotHead head, SnapshotCapture capture)
    {
        segments.Head = head with { State = default };
        state.SnapshotWritten(capture, segments);
    }

    private async Task WriteAsync(string name, ReadOnlyMemory<byte> bytes, List<string> written, CancellationToken cancellationToken)
    {
        written.Add(name);
        await blobs.WriteAsync(name, bytes, cancellationToken);
    }

    /// <summary>Deletes what it can; the sweep finds the rest.</summary>
    private async Task DeleteAsync(IEnumerable<string> names)
    {
        try
        {
            foreach (var name in names)
            {
                if (!segments.IsReading(name))
                {
                    await blobs.DeleteAsync(name, CancellationToken.None);
                }
            }
        }
        catch (StoreException)
        {
        }
    }

    private static ulong NewRandom()
    {
        Span<byte> random = stackalloc byte[8];
        RandomNumberGenerator.Fill(random);
        return BinaryPrimitives.ReadUInt64LittleEndian(random);
    }
}
