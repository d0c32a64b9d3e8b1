using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>What a sweep did. Whatever <see cref="Failed"/> counts is left for the next one.</summary>
/// <param name="Blobs">Blobs of bodies that were old enough and looked at.</param>
/// <param name="BlobsDeleted">Of those, the ones that nobody held.</param>
/// <param name="RowsDeleted">Holder rows without a holder or without a blob.</param>
/// <param name="Failed">Blobs and rows that the store failed for, or that no release up to this one has written.</param>
public readonly record struct SweepReport(int Blobs, int BlobsDeleted, int RowsDeleted, int Failed);

/// <summary>
/// Removes the blobs and holder rows that a crash has left: a body that was written but never handed over, a row whose holder never committed,
/// a body whose last holder was stopped between its row and the blob.
/// <para>
/// Every hand-over ends within a day of the blob's birth, or of the row's where a holder was added later; what is younger than two whole days
/// is never touched. A holder is asked by its row <c>m:{emailId}</c>: only where that is missing, or names another blob, the holder holds
/// nothing. So a sweep may run beside hosts and other sweeps, be stopped at any point and be repeated.
/// </para>
/// </summary>
public sealed class BodySweeper(StorageAccounts accounts, TimeProvider time)
{
    /// <summary>
    /// How far a usual sweep looks back, at blobs by their birth and at rows by when they were written. Most of what is older was looked at often enough; a
    /// message that a queue held for longer, and whose end a crash cut short, is a sweep's without bounds.
    /// </summary>
    public static readonly TimeSpan UsualReach = TimeSpan.FromDays(10);

    private const int Parallelism = 8;

    private static readonly TimeSpan LeastAge = TimeSpan.FromDays(2);

    private readonly StoredMessages _messages = new(accounts);

    /// <summary>Sweeps the blobs of one account that were born within <see cref="UsualReach"/>.</summary>
    public Task<SweepReport> SweepAsync(StorageAccount account, CancellationToken cancellationToken) =>
        SweepAsync(account, UsualReach, cancellationToken);

    /// <summary>
    /// Lists all bodies of the account and asks for those that were born within <paramref name="reach"/>, but for the last two days; for older ones where
    /// a holder's row was written within it.
    /// </summary>
    /// <exception cref="StoreException">The account could not be listed.</exception>
    public async Task<SweepReport> SweepAsync(StorageAccount account, TimeSpan reach, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var days = new Days(today.AddDays(-(int)Math.Min(reach.TotalDays, today.DayNumber)), today.AddDays(-(int)LeastAge.TotalDays));
        var tally = new Tally();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            account.Tables.ReadPartitionsAsync(TableNames.Mail, BodyName.AllPartitions, cancellationToken),
            options,
            (row, token) => tally.AttemptAsync(() => SweepRowAsync(account, row, days, tally, token))).ConfigureAwait(false);
        await Parallel.ForEachAsync(
            account.Blobs.ListAsync(BodyName.Prefix, cancellationToken),
            options,
            (blob, token) => tally.AttemptAsync(() => SweepBlobAsync(account, blob.Name, days, tally, token))).ConfigureAwait(false);
        return tally.Report();
    }

    /// <summary>A row goes when its holder does not hold, whether the blob is there or not, and nobody has written it again meanwhile.</summary>
    private async Task SweepRowAsync(StorageAccount account, TableRow row, Days days, Tally tally, CancellationToken cancellationToken)
    {
        if (!BodyName.TryParsePartition(row.Partition, out var name) || !BodyName.TryParse(name, out var body) ||
            !BodyHolder.TryParse(row.Row, out var holder))
        {
            tally.Failed();
            return;
        }

        var written = BodyHolders.WrittenAt(row);
        if (body.Day >= days.Before || written > time.GetUtcNow() - LeastAge || !(days.Contain(body.Day) || days.Reach(written)) ||
            await HoldsAsync(holder.Value, body, name, cancellationToken).ConfigureAwait(false) ||
            !await BodyHolders.RemoveAsync(account, name, row.Row, row.ETag, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        tally.RowDeleted();
        if (!days.Contain(body.Day))
        {
            // No look at the blobs comes to it.
            await SweepBlobAsync(account, name, body, tally, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SweepBlobAsync(StorageAccount account, string name, Days days, Tally tally, CancellationToken cancellationToken)
    {
        if (!BodyName.TryParse(name, out var body))
        {
            tally.Failed();
            return;
        }

        if (days.Contain(body.Day))
        {
            tally.Blob();
            await SweepBlobAsync(account, name, body, tally, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A blob goes when the holder in its name does not hold, and there is no row: a sole holder that hands over writes rows, too.</summary>
    private async Task SweepBlobAsync(StorageAccount account, string name, BodyName body, Tally tally, CancellationToken cancellationToken)
    {
        if (!(body.Sole is { } sole && await HoldsAsync(sole, body, name, cancellationToken).ConfigureAwait(false)) &&
            !await BodyHolders.AnyAsync(account, name, cancellationToken).ConfigureAwait(false) &&
            await account.Blobs.DeleteAsync(name, cancellationToken).ConfigureAwait(false))
        {
            tally.BlobDeleted();
        }
    }

    private async Task<bool> HoldsAsync(BodyHolder holder, BodyName body, string name, CancellationToken cancellationToken) =>
        await _messages.ReadAsync(holder, body.Email, cancellationToken).ConfigureAwait(false) is { } message && message.Blob?.Name == name;

    /// <summary>The days that are swept, <see cref="First"/> included and <see cref="Before"/> not.</summary>
    private readonly record struct Days(DateOnly First, DateOnly Before)
    {
        public bool Contain(DateOnly day) => day >= First && day < Before;

        public bool Reach(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime) >= First;
    }

    private sealed class Tally
    {
        private int _blobs;
        private int _blobsDeleted;
        private int _rowsDeleted;
        private int _failed;

        public void Blob() => Interlocked.Increment(ref _blobs);

        public void BlobDeleted() => Interlocked.Increment(ref _blobsDeleted);

        public void RowDeleted() => Interlocked.Increment(ref _rowsDeleted);

        public void Failed() => Interlocked.Increment(ref _failed);

        /// <summary>One blob or row; what the store does not answer now is left alone.</summary>
        public async ValueTask AttemptAsync(Func<Task> sweep)
        {
            try
            {
                await sweep().ConfigureAwait(false);
            }
            catch (StoreException)
            {
                Failed();
            }
        }

        public SweepReport Report() => new(_blobs, _blobsDeleted, _rowsDeleted, _failed);
    }
}
