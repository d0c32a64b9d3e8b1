using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Storage.Bodies;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// What a silo has in hand of one queue, and the way back to it. Reports that are ready while one call is under way go together with the next; where the
/// queue can't take them they are tried again until this silo ends, since nobody else knows how the attempts ended. An attempt is in hand, and counts as that, until its
/// report has arrived.
/// </summary>
internal sealed class QueuePort(QueueId id, IDomainQueueGrain queue, RelaySender sender)
{
    /// <summary>A call's answers, however many recipients they have, are far from what may go between silos.</summary>
    private const int MaxReports = 200;
    private const int MaxOutcomes = 2_000;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly HashSet<(EmailId Email, int Attempt)> _inHand = [];
    private readonly Queue<(Attempt Attempt, RelayReport Report)> _reports = new();
    private bool _isReporting;

    public QueueId Id => id;

    public BodyBlobs Blobs => sender.Blobs;

    public CancellationToken Aborting => sender.Aborting;

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _inHand.Count == 0;
            }
        }
    }

    /// <summary>Where its last messages went.</summary>
    public RelaySite? Site { get; set; }

    /// <summary>When its turn comes, where as many messages wait for its site as may.</summary>
    public DateTimeOffset FullUntil { get; set; }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _inHand.Count;
            }
        }
    }

    public bool Has(RelayMessage order)
    {
        lock (_gate)
        {
            return _inHand.Contains((order.Message.Email, order.Attempt));
        }
    }

    public Attempt Begin(RelayMessage order, bool isUrgent)
    {
        lock (_gate)
        {
            _inHand.Add((order.Message.Email, order.Attempt));
            return new Attempt(this, order, isUrgent);
        }
    }

    /// <summary>Is it still the message's latest attempt, so that this sender may end it? Not to be told counts as no.</summary>
    public async ValueTask<bool> ClaimAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await queue.ClaimAsync(attempt.Message.Email, attempt.Order.Attempt, sender.Silo, cancellationToken);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            sender.Log.NotConfirmed(id, attempt.Message.Email, e.Message);
            return false;
        }
    }

    public void End(Attempt attempt, RelayReport report)
    {
        sender.Metrics.Ended(report);
        lock (_gate)
        {
            _reports.Enqueue((attempt, report));
            if (_isReporting)
            {
                return;
            }

            _isReporting = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static port => _ = port.ReportAsync(), this, preferLocal: true);
    }

    private async Task ReportAsync()
    {
        var batch = new List<(Attempt Attempt, RelayReport Report)>();
        var (most, pause) = (MaxReports, FirstPause);
        while (Take(batch, most))
        {
            if (await TryReportAsync([.. batch.Select(one => one.Report)]))
            {
                (most, pause) = (Math.Min(2 * most, MaxReports), FirstPause);
                Forget(batch);
            }
            else if (sender.HasGivenUp)
            {
                // The queue's next activation finds these attempts without an end, and takes them as uncertain.
                sender.Log.NotReported(id, batch.Count);
                Forget(batch);
            }
            else
            {
                // Behind the others, and one by one: what the queue can't take now keeps nothing else from it.
                most = 1;
                PutBack(batch);
                await Task.Delay(pause, sender.Time);
                pause = pause * 2 < MaxPause ? pause * 2 : MaxPause;
            }

            batch.Clear();
        }
    }

    private bool Take(List<(Attempt Attempt, RelayReport Report)> batch, int most)
    {
        lock (_gate)
        {
            var outcomes = 0;
            while (batch.Count < most && outcomes < MaxOutcomes && _reports.TryDequeue(out var one))
            {
                batch.Add(one);
                outcomes += one.Report.Outcomes.Length;
            }

            return _isReporting = batch.Count > 0;
        }
    }

    private void PutBack(List<(Attempt Attempt, RelayReport Report)> batch)
    {
        lock (_gate)
        {
            batch.ForEach(_reports.Enqueue);
        }
    }

    private void Forget(List<(Attempt Attempt, RelayReport Report)> batch)
    {
        lock (_gate)
        {
            batch.ForEach(one => _inHand.Remove((one.Report.Email, one.Report.Attempt)));
        }

        batch.ForEach(one => sender.Release(this, one.Attempt));
    }

    private async Task<bool> TryReportAsync(ImmutableArray<RelayReport> reports)
    {
        try
        {
            await queue.ReportAsync(reports, CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            sender.Log.ReportFailed(id, reports.Length, e.Message);
            return false;
        }
    }
}
