using System.Collections.Concurrent;
using System.Collections.Immutable;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>What the sender of each queue does, and what it was given.</summary>
public sealed class SenderScript
{
    private readonly ConcurrentDictionary<QueueId, QueueScript> _queues = [];

    public QueueScript Of(QueueId queue) => _queues.GetOrAdd(queue, _ => new QueueScript());

    public sealed class QueueScript
    {
        private readonly ConcurrentDictionary<(EmailId, int), int> _sent = [];

        /// <summary>The most that one job may have left here; more is not taken.</summary>
        public int Room { get; set; } = int.MaxValue;

        /// <summary>Where there is no room: what is said of when there may be.</summary>
        public TimeSpan Wait { get; set; }

        /// <summary>So many of the next jobs are taken, and nobody hears of it.</summary>
        public int LostAnswers { get; set; }

        /// <summary>What a sender does with a job before it answers.</summary>
        public Func<RelayJob, Task> Meanwhile { get; set; } = static _ => Task.CompletedTask;

        /// <summary>How an attempt ends at once; null: it goes on until the test reports.</summary>
        public Func<RelayMessage, RelayReport?> Answer { get; set; } = static _ => null;

        public ConcurrentQueue<RelayJob> Jobs { get; } = new();

        /// <summary>What was taken, in order.</summary>
        public ConcurrentQueue<RelayMessage> Taken { get; } = new();

        /// <summary>Recipients to whom a message went twice although no attempt was uncertain.</summary>
        public ConcurrentQueue<string> Doubled { get; } = new();

        /// <summary>An attempt that all recipients' server took.</summary>
        public RelayReport Delivered(RelayMessage attempt) => Outcomes(attempt, _ => OutcomeKind.Relayed, 250, "2.0.0", "ok");

        public static RelayReport Deferred(RelayMessage attempt, string text = "busy") =>
            new(attempt.Message.Email, attempt.Attempt, RelayStatus.Tried,
                [.. attempt.Recipients.Select(r => new RecipientOutcome(r, OutcomeKind.Deferred, 451, "4.3.0", text, "mx.example"))]);

        public RelayReport Outcomes(RelayMessage attempt, Func<int, OutcomeKind> kind, int code, string enhanced, string text)
        {
            var outcomes = attempt.Recipients.Select(r => new RecipientOutcome(r, kind(r), code, enhanced, text, "mx.example")).ToImmutableArray();
            foreach (var outcome in outcomes.Where(o => o.Kind == OutcomeKind.Relayed))
            {
                if (_sent.AddOrUpdate((attempt.Message.Email, outcome.Recipient), 1, (_, sent) => sent + 1) > 1 && !attempt.IsUncertain)
                {
                    Doubled.Enqueue($"{attempt.Message.Email} to {outcome.Recipient}");
                }
            }

            return new RelayReport(attempt.Message.Email, attempt.Attempt, RelayStatus.Tried, outcomes);
        }
    }
}

/// <summary>Takes the place of the relay's workers.</summary>
[StatelessWorker, Reentrant]
public sealed class ScriptedRelayGrain(SenderScript script, ILocalSiloDetails silo) : Grain, IRelayGrain
{
    public async ValueTask<RelayTaken> TakeAsync(RelayJob job, CancellationToken cancellationToken)
    {
        var queue = script.Of(job.Queue);
        queue.Jobs.Enqueue(job);
        var taken = job.Messages.Take(queue.Room).ToList();
        var reports = taken.Select(queue.Answer).Where(r => r is not null).Select(r => r!).ToImmutableArray();
        taken.ForEach(queue.Taken.Enqueue);
        if (reports.Length > 0)
        {
            _ = ReportAsync(GrainFactory.GetGrain<IDomainQueueGrain>(job.Queue.ToString()), reports);
        }

        await queue.Meanwhile(job);
        if (queue.LostAnswers > 0)
        {
            queue.LostAnswers--;
            throw new TimeoutException("no answer");
        }

        return new RelayTaken(taken.Count, silo.SiloAddress) { Wait = queue.Wait };
    }

    /// <summary>As the real sender does: what was not taken, whatever the reason, is reported again.</summary>
    private static async Task ReportAsync(IDomainQueueGrain queue, ImmutableArray<RelayReport> reports)
    {
        for (var tries = 0; tries < 1_000; tries++)
        {
            try
            {
                await queue.ReportAsync(reports, CancellationToken.None);
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                await Task.Delay(5);
            }
        }
    }
}
