using MailGrains.Contracts.Certificates;
using MailGrains.Contracts.Queues;
using MailGrains.Gateways.Acme;
using MailGrains.Grains.Relay;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MailGrains.Host.Startup;

/// <summary>
/// What keeps mail waiting: queues that age, and what this process's sender can't mend by itself; and certificates that are not renewed. A detail for operators and no failure: it serves all the
/// same, so the worst that it says is "degraded".
/// </summary>
/// <param name="senders">One, or none where this process sends nothing.</param>
internal sealed class AlarmCheck(IGrainFactory grains, IEnumerable<RelayAlarms> senders, AcmeOptions acme) : IHealthCheck
{
    public const string Name = "mail";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var alarms = senders.SelectMany(sender => sender.Current).Select(alarm => $"{alarm.Kind} {alarm.Subject}: {alarm.Text}").ToList();
        var data = new Dictionary<string, object>(StringComparer.Ordinal);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Limit);
        try
        {
            var watch = await grains.GetGrain<IQueueWatchGrain>(0).LookAsync(limited.Token).AsTask().WaitAsync(limited.Token);
            (data["queues"], data["messages"], data["held"]) = (watch.Totals.Queues, watch.Totals.Messages, watch.Totals.Held);
            if (watch.OldestPending is { } oldest)
            {
                data["oldest"] = oldest;
            }

            if (watch.Aged > 0)
            {
                alarms.Insert(0, $"QueuesAge: {watch.Aged}, the oldest {string.Join(", ", watch.Oldest.Select(queue => $"{queue.Queue} since {queue.OldestPending:u}"))}");
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            alarms.Add("The queues can't be looked at now.");
        }

        if (acme.Directory is not null)
        {
            await AddCertificatesAsync(alarms, limited.Token, cancellationToken);
        }

        data["alarms"] = alarms;
        return alarms.Count == 0 ? HealthCheckResult.Healthy(data: data) : HealthCheckResult.Degraded($"{alarms.Count} alarms", data: data);
    }

    private async Task AddCertificatesAsync(List<string> alarms, CancellationToken limit, CancellationToken cancellationToken)
    {
        try
        {
            var watch = await grains.GetGrain<ICertificateGrain>(0).LookAsync(limit).AsTask().WaitAsync(limit);
            alarms.AddRange(watch.Failing.Select(state => $"CertificateFails {string.Join(' ', state.Names)}: {state.LastError} (since {state.FailingSince:u})"));
            alarms.AddRange(watch.Ending.Select(state => $"CertificateEnds {string.Join(' ', state.Names)}: {state.NotAfter:u}"));
            if (watch.StalledSince is { } stalled)
            {
                alarms.Add($"CertificatesStall: no run has gone well since {stalled:u}");
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            alarms.Add("The certificates can't be looked at now.");
        }
    }
}
