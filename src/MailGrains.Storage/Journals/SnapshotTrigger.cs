using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

/// <summary>
/// Starts a snapshot when the journal behind the last one has grown long enough, one at a time. A failure costs nothing but a longer
/// tail: the next try comes when the tail has grown by half of what calls for a snapshot.
/// </summary>
internal sealed class SnapshotTrigger<TDraft>(
    SnapshotWriter<TDraft> writer, JournalOptions options, string partition, ILogger logger, int tailCommits, long tailBytes,
    CancellationToken closing)
    where TDraft : class, IJournalDraft
{
    private int _tailCommits = tailCommits;
    private long _tailBytes = tailBytes;

    /// <summary>The snapshot that is being written, or the last one; never fails.</summary>
    public Task<bool> Running { get; private set; } = Task.FromResult(false);

    public void CountCommit(int eventBytes)
    {
        _tailCommits++;
        _tailBytes += eventBytes;
        if ((_tailCommits >= options.SnapshotAfterCommits || _tailBytes >= options.SnapshotAfterBytes) && Running.IsCompleted)
        {
            Running = WriteAsync(closing);
        }
    }

    /// <summary>Writes a snapshot now; false when one is being written, nothing has changed, or it failed.</summary>
    public async Task<bool> WriteNowAsync(CancellationToken cancellationToken)
    {
        if (!Running.IsCompleted)
        {
            return false;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing);
        Running = WriteAsync(either.Token);
        return await Running;
    }

    private async Task<bool> WriteAsync(CancellationToken cancellationToken)
    {
        // The commit that called for it is answered first.
        await Task.Yield();
        var (commits, bytes) = (0, 0L);
        try
        {
            var written = await writer.WriteAsync(() => (commits, bytes) = (_tailCommits, _tailBytes), cancellationToken);
            _tailCommits -= commits;
            _tailBytes -= bytes;
            return written;
        }
        catch (Exception e)
        {
            _tailCommits = Math.Min(_tailCommits, options.SnapshotAfterCommits) / 2;
            _tailBytes = Math.Min(_tailBytes, options.SnapshotAfterBytes) / 2;
            if (e is not (OperationCanceledException or JournalLostException or JournalClosedException))
            {
                logger.SnapshotFailed(partition, e);
            }

            return false;
        }
    }
}
