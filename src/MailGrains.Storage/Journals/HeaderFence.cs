using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

internal enum FenceOutcomeKind
{
    Committed,

    /// <summary>Nothing was written and the header is still ours: a condition of another row did not hold.</summary>
    RowConflict,

    /// <summary>Nothing was written, for a known reason; the header is still ours.</summary>
    Failed,

    /// <summary>The header belongs to another writer, or the outcome stayed unknown until time ran out.</summary>
    Lost,
}

/// <param name="FailedOperation">With <see cref="FenceOutcomeKind.RowConflict"/>: its index, -1 where the store did not say.</param>
/// <param name="Reason">The <see cref="StoreException"/> or <see cref="JournalLostException"/>.</param>
internal readonly record struct FenceOutcome(FenceOutcomeKind Kind, int FailedOperation = -1, Exception? Reason = null);

/// <summary>
/// Commits one transaction at a time, each conditional on the header's ETag and each with a batch id of its own, and finds out how it
/// ended. A try of unknown outcome (the store said so, threw something unexpected, was cancelled or took too long) may still land at any
/// later time, but only as long as the header keeps its ETag. So from then on nobody is told "not written": the same transaction is
/// repeated, whatever the repeats say, until
/// <list type="bullet">
/// <item>a repeat commits (then the earlier try never can), or</item>
/// <item>a repeat conflicts and the header shows our batch id: an earlier try has committed, or</item>
/// <item>a repeat conflicts and the header is still the one before: a condition of another row does not hold, for the earlier tries
/// no more than for the repeat, or</item>
/// <item>a repeat conflicts and the header shows another's batch id: fenced, or</item>
/// <item>the time is up: lost, and who loads the owner next finds the outcome, or is fenced by it should it land later still.</item>
/// </list>
/// A conflict is never taken at its word, since anything between us and the store may have sent the transaction twice.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source holds no timer between tries.")]
internal sealed class HeaderFence(ITableStore store, string partition, JournalOptions options, TimeProvider time, ILogger logger)
{
    private readonly ulong _writer = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
    private CancellationTokenSource _tryTime = new(Timeout.InfiniteTimeSpan, time);
    private ulong _transactions;

    /// <summary>The committed header; null where there is none.</summary>
    public JournalHeader? Header { get; private set; }

    public string? ETag { get; private set; }

    public BatchId NextBatch() => new(_writer, ++_transactions);

    public void Adopt(JournalHeader? header, string? etag)
    {
        Header = header;
        ETag = etag;
    }

    /// <summary>The first operation of a transaction that commits <paramref name="next"/>.</summary>
    public TableOperation HeaderOperation(JournalHeader next) => ETag is null
        ? TableOperation.Insert(JournalHeader.Row, next.Encode())
        : TableOperation.Replace(JournalHeader.Row, next.Encode(), ETag);

    /// <summary>True when the stored header was written by us, or is the one that we have loaded.</summary>
    public async ValueTask<bool> IsOursAsync(CancellationToken cancellationToken) =>
        await store.ReadAsync(TableNames.Mail, partition, JournalHeader.Row, cancellationToken) is { } row &&
        JournalHeader.Decode(row).Batch is var batch && (batch.Writer == _writer || batch == Header?.Batch);

    /// <param name="next">The header as it stands in the first operation.</param>
    /// <param name="operations">Starts with <see cref="HeaderOperation"/>.</param>
    public async ValueTask<FenceOutcome> CommitAsync(JournalHeader next, List<TableOperation> operations)
    {
        var started = time.GetTimestamp();
        for (var tries = 1; ; tries++)
        {
            var (outcome, doubt) = await TryAsync(next, operations, first: tries == 1);
            if (outcome is { } known)
            {
                return known;
            }

            var left = options.UnknownOutcomeTimeout - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                logger.OutcomeStayedUnknown(partition, options.UnknownOutcomeTimeout, doubt);
                return Lost(fenced: false, $"The outcome of a commit to '{partition}' stayed unknown.", doubt);
            }

            logger.OutcomeUnknown(partition, tries, doubt);
            await Task.Delay(BackOff(tries, left), time);
        }
    }

    /// <summary>One try: how the transaction ended, or why that is unknown.</summary>
    /// <param name="first">No earlier try can land any more: a known failure is the outcome.</param>
    private async ValueTask<(FenceOutcome? Outcome, Exception? Doubt)> TryAsync(JournalHeader next, List<TableOperation> operations, bool first)
    {
        try
        {
            TableCommit commit;
            try
            {
                commit = await InTimeAsync(token => store.CommitAsync(TableNames.Mail, partition, operations, token));
            }
            catch (StoreException e) when (first && e.Failure != StoreFailure.Unknown)
            {
                return (new FenceOutcome(FenceOutcomeKind.Failed, Reason: e), null);
            }

            if (commit.Committed)
            {
                Adopt(next, commit.ETags[0]);
                return (new FenceOutcome(FenceOutcomeKind.Committed), null);
            }

            return await ExplainConflictAsync(next, commit.FailedOperation) is { } outcome
                ? (outcome, null)
                : (null, new StoreException(StoreFailure.Unknown, "The store reports a conflict of a header that it has not changed."));
        }
        catch (Exception e)
        {
            return (null, e);
        }
    }

    /// <summary>What a conflict means, by the header; null when it means nothing, and the transaction is to be repeated.</summary>
    private async ValueTask<FenceOutcome?> ExplainConflictAsync(JournalHeader next, int failedOperation)
    {
        var row = await InTimeAsync(token => store.ReadAsync(TableNames.Mail, partition, JournalHeader.Row, token));
        if (row is null)
        {
            return Header is null && failedOperation != 0
                ? new(FenceOutcomeKind.RowConflict, failedOperation)
                : Lost(fenced: true, $"The header of '{partition}' is gone.");
        }

        JournalHeader stored;
        try
        {
            stored = JournalHeader.Decode(row);
        }
        catch (StoreException e)
        {
            return Lost(fenced: true, $"Another writer of '{partition}' has left a header that this release can't read.", e);
        }

        if (stored.Batch == next.Batch)
        {
            logger.RecognisedByBatchId(partition, next.Sequence);
            Adopt(next, row.ETag);
            return new(FenceOutcomeKind.Committed);
        }

        if (stored.Batch != Header?.Batch)
        {
            logger.Fenced(partition, next.Sequence, stored.Sequence);
            return Lost(fenced: true, $"Another writer has committed to '{partition}'.");
        }

        return failedOperation == 0 ? null : new(FenceOutcomeKind.RowConflict, failedOperation);
    }

    private static FenceOutcome Lost(bool fenced, string message, Exception? inner = null) =>
        new(FenceOutcomeKind.Lost, Reason: new JournalLostException(fenced, message, inner));

    /// <summary>Bounds a call in time even where the store does not heed the token.</summary>
    private async ValueTask<T> InTimeAsync<T>(Func<CancellationToken, ValueTask<T>> call)
    {
        _tryTime.CancelAfter(options.TryTimeout);
        try
        {
            var pending = call(_tryTime.Token);
            return pending.IsCompletedSuccessfully ? pending.Result : await pending.AsTask().WaitAsync(_tryTime.Token);
        }
        finally
        {
            // One that has fired is left to the call that may still hold its token.
            if (!_tryTime.TryReset())
            {
                _tryTime = new(Timeout.InfiniteTimeSpan, time);
            }
        }
    }

    private TimeSpan BackOff(int tries, TimeSpan left)
    {
        var wait = options.FirstBackOff * Math.Pow(2, Math.Min(tries - 1, 16)) * (0.75 + Random.Shared.NextDouble() / 2);
        return TimeSpan.FromTicks(Math.Min(Math.Min(wait.Ticks, options.MaxBackOff.Ticks), Math.Max(left.Ticks, 1)));
    }
}
