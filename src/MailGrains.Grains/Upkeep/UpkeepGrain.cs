using MailGrains.Contracts;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Upkeep;
using MailGrains.Grains.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Grains.Upkeep;

/// <summary>
/// The upkeep of one storage account. A run wakes the mailboxes that the <see cref="PurgeCalendar"/> names, then, once a day, sweeps bodies
/// without a holder (once a month all of them, else those of the last days) and snapshots that no journal names. Runs don't overlap; each part may be stopped anywhere and is gone on with by the next
/// run. A tick of the reminder only starts a run.
/// </summary>
[Reentrant]
public sealed partial class UpkeepGrain(
    StorageAccounts accounts, MailboxStores mailboxes, BodySweeper bodies, UpkeepOptions options,
    [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, ILogger<UpkeepGrain> logger)
    : Grain, IUpkeepGrain, IRemindable, IDisposable
{
    private const string ReminderName = "upkeep";
    private const string SweepPartition = "upkeep:sweeps";
    private const string LastSweepRow = "last";
    private const string LastWholeSweepRow = "whole";
    private const string SnapshotPrefix = "snapshot/";
    private static readonly TimeSpan FirstDue = TimeSpan.FromMinutes(1);
    private readonly CancellationTokenSource _deactivating = new();
    private Task<UpkeepReport>? _running;

    private StorageAccount Account => accounts[(int)this.GetPrimaryKeyLong()];

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        await _deactivating.CancelAsync();

    public void Dispose() => _deactivating.Dispose();

    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (await this.GetReminder(ReminderName, cancellationToken) is null)
        {
            await this.RegisterOrUpdateReminder(ReminderName, FirstDue, options.Period, cancellationToken);
        }
    }

    public async ValueTask<UpkeepReport> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Start().WaitAsync(cancellationToken);
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        _ = Start();
        return Task.CompletedTask;
    }

    private Task<UpkeepReport> Start() => _running is { IsCompleted: false } running ? running : _running = RunLoggedAsync();

    private async Task<UpkeepReport> RunLoggedAsync()
    {
        try
        {
            var report = await RunOnceAsync(_deactivating.Token);
            LogRun(Account.Number, report);
            return report;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogRunFailed(e, Account.Number);
            throw;
        }
    }

    private async Task<UpkeepReport> RunOnceAsync(CancellationToken cancellationToken)
    {
        var purges = await PurgeAsync(cancellationToken);
        var report = new UpkeepReport(purges.Mailboxes, purges.Messages, 0, 0, purges.Complete);
        var started = time.GetUtcNow();
        if (await LastAsync(LastSweepRow, cancellationToken) + options.SweepPeriod > started)
        {
            return report;
        }

        var isWhole = await LastAsync(LastWholeSweepRow, cancellationToken) + options.WholeSweepPeriod <= started;
        var swept = await bodies.SweepAsync(Account, isWhole ? TimeSpan.MaxValue : BodySweeper.UsualReach, cancellationToken);
        var snapshots = await SweepSnapshotsAsync(cancellationToken);
        var done = TableOperation.Upsert(LastSweepRow, SweptAt(time.GetUtcNow()));
        await Account.Tables.CommitAsync(
            TableNames.Mail, SweepPartition, isWhole ? [done, TableOperation.Upsert(LastWholeSweepRow, SweptAt(started))] : [done], cancellationToken);
        return report with { Blobs = swept.BlobsDeleted, Snapshots = snapshots, Complete = report.Complete && swept.Failed == 0 };
    }

    /// <summary>Wakes mailboxes until none is due or time is up. One that fails keeps its mark.</summary>
    private async Task<(int Mailboxes, long Messages, bool Complete)> PurgeAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var (count, messages, complete) = (0, 0L, true);
        var running = new List<Task<PurgeOutcome>>();
        await foreach (var mark in mailboxes.Calendar.DueAsync(Account.Number, time.GetUtcNow(), cancellationToken))
        {
            if (time.GetElapsedTime(started) > options.MaxPurging)
            {
                complete = false;
                break;
            }

            running.Add(PurgeAsync(mark, started, cancellationToken));
            if (running.Count == options.Parallelism)
            {
                var done = await Task.WhenAny(running);
                running.Remove(done);
                Count(await done);
            }
        }

        foreach (var outcome in await Task.WhenAll(running))
        {
            Count(outcome);
        }

        return (count, messages, complete);

        void Count(PurgeOutcome outcome)
        {
            count++;
            messages += outcome.Messages;
            complete &= outcome.Complete;
        }
    }

    private async Task<PurgeOutcome> PurgeAsync(PurgeMark mark, long started, CancellationToken cancellationToken)
    {
        var messages = 0L;
        try
        {
            var mailbox = GrainFactory.GetGrain<IMailboxUpkeep>(mark.Mailbox.ToString());
            while (time.GetElapsedTime(started) <= options.MaxPurging)
            {
                var report = await mailbox.PurgeAsync(eraseNow: false, cancellationToken);
                messages += report.Messages;
                if (report.NextDue is null || report.NextDue > time.GetUtcNow())
                {
                    await mailboxes.Calendar.RemoveAsync(Account.Number, mark, cancellationToken);
                    return new PurgeOutcome(messages, true);
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogPurgeFailed(e, mark.Mailbox);
        }

        return new PurgeOutcome(messages, false);
    }

    private async Task<DateTimeOffset> LastAsync(string row, CancellationToken cancellationToken) =>
        await Account.Tables.ReadAsync(TableNames.Mail, SweepPartition, row, cancellationToken) is { } found && found.Number("t") is { } at
            ? DateTimeOffset.FromUnixTimeMilliseconds(at)
            : DateTimeOffset.MinValue;

    private static RowProperties SweptAt(DateTimeOffset at) => new([new("f", 1L), new("t", at.ToUnixTimeMilliseconds())]);

    /// <summary>Asks each owner that has snapshots old enough to be leftovers.</summary>
    private async Task<long> SweepSnapshotsAsync(CancellationToken cancellationToken)
    {
        var deleted = 0L;
        string? last = null;
        var cutOff = time.GetUtcNow() - SnapshotSweep.LeastAge;
        await foreach (var blob in Account.Blobs.ListAsync(SnapshotPrefix, cancellationToken))
        {
            var slash = blob.Name.IndexOf('/', SnapshotPrefix.Length);
            if (slash < 0 || blob.Created >= cutOff || blob.Name.AsSpan(SnapshotPrefix.Length, slash - SnapshotPrefix.Length).SequenceEqual(last))
            {
                continue;
            }

            last = blob.Name[SnapshotPrefix.Length..slash];
            deleted += await SnapshotSweep.SweepAsync(Account, last, time, cancellationToken);
        }

        return deleted;
    }

    private readonly record struct PurgeOutcome(long Messages, bool Complete);

    [LoggerMessage(1, LogLevel.Information, "Upkeep of account {Account}: {Report}.")]
    private partial void LogRun(int account, UpkeepReport report);

    [LoggerMessage(2, LogLevel.Warning, "Upkeep of account {Account} failed; the next run goes on with it.")]
    private partial void LogRunFailed(Exception e, int account);

    [LoggerMessage(3, LogLevel.Warning, "Mailbox {Mailbox} could not be purged; the next run tries again.")]
    private partial void LogPurgeFailed(Exception e, MailboxId mailbox);
}
