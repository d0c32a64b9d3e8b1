using System.Diagnostics.Metrics;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Queues;

namespace MailGrains.Grains;

/// <summary>The meter of the grains; its labels have a handful of values each.</summary>
public sealed class GrainMetrics
{
    public const string MeterName = "MailGrains.Grains";

    private static readonly KeyValuePair<string, object?>[] Statuses =
        [.. Enumerable.Range(0, 7).Select(status => new KeyValuePair<string, object?>("status", ((DeliveryStatus)status).ToString()))];

    private static readonly KeyValuePair<string, object?>[] EnqueueStatuses =
        [.. Enumerable.Range(0, 5).Select(status => new KeyValuePair<string, object?>("status", ((EnqueueStatus)status).ToString()))];

    private readonly Counter<long> _deliveries;
    private readonly Counter<long> _enqueued;

    public GrainMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _deliveries = meter.CreateCounter<long>("mailgrains.deliveries", "{message}", "Hand-overs to mailboxes, by how they ended.");
        _enqueued = meter.CreateCounter<long>("mailgrains.queue.messages", "{message}", "Messages handed to queues, by how that ended.");
    }

    public void Enqueued(EnqueueStatus status) => _enqueued.Add(1, EnqueueStatuses[(int)status]);

    public void Delivered(DeliveryStatus status) => _deliveries.Add(1, Statuses[(int)status]);
}
