using System.Diagnostics.Metrics;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Alarms;
using MailGrains.Grains.Notices;

namespace MailGrains.Grains;

/// <summary>The meter of the grains; its labels have a handful of values each.</summary>
public sealed class GrainMetrics
{
    public const string MeterName = "MailGrains.Grains";

    private static readonly KeyValuePair<string, object?>[] Statuses =
        [.. Enumerable.Range(0, 7).Select(status => new KeyValuePair<string, object?>("status", ((DeliveryStatus)status).ToString()))];

    private static readonly KeyValuePair<string, object?>[] EnqueueStatuses =
        [.. Enumerable.Range(0, 5).Select(status => new KeyValuePair<string, object?>("status", ((EnqueueStatus)status).ToString()))];

    private static readonly KeyValuePair<string, object?>[] Purposes =
        [.. Enumerable.Range(0, 5).Select(purpose => new KeyValuePair<string, object?>("purpose", ((NoticePurpose)purpose).ToString()))];

    private readonly Counter<long> _deliveries;
    private readonly Counter<long> _reports;
    private readonly Counter<long> _enqueued;

    public GrainMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        void Gauge(string name, string unit, string description, Func<QueueWatch, long> figure) =>
            meter.CreateObservableGauge(name, () => Figures(figures => figure(figures.Watch)), unit, description);
        _deliveries = meter.CreateCounter<long>("mailgrains.deliveries", "{message}", "Hand-overs to mailboxes, by how they ended.");
        Gauge("mailgrains.queues", "{queue}", "Queues that have work or an order on them, shards counted.", watch => watch.Totals.Queues);
        Gauge("mailgrains.queues.suspended", "{queue}", "Queues that an operator suspended.", watch => watch.Totals.Suspended);
        Gauge("mailgrains.queues.aged", "{queue}", "Queues with a message that has waited for longer than it should.", watch => watch.Aged);
        Gauge("mailgrains.queues.messages", "{message}", "Messages that wait for other servers.", watch => watch.Totals.Messages);
        Gauge("mailgrains.queues.held", "{message}", "Messages of them that are held.", watch => watch.Totals.Held);
        meter.CreateObservableGauge(
            "mailgrains.queues.oldest", () => Figures(figures => Math.Max(0, (figures.At - (figures.Watch.OldestPending ?? figures.At)).TotalSeconds)), "s",
            "How long the oldest message that should have gone has waited.");
        _enqueued = meter.CreateCounter<long>("mailgrains.queue.messages", "{message}", "Messages handed to queues, by how that ended.");
        _reports = meter.CreateCounter<long>("mailgrains.reports", "{report}", "Delivery reports that were sent, by what they tell.");
    }

    /// <summary>Of the one silo that looks at all queues; null on the others, which then have no such gauge.</summary>
    public QueueFigures? Queues { get; set; }

    public void Enqueued(EnqueueStatus status) => _enqueued.Add(1, EnqueueStatuses[(int)status]);

    internal void Reported(NoticePurpose purpose) => _reports.Add(1, Purposes[(int)purpose]);

    public void Delivered(DeliveryStatus status) => _deliveries.Add(1, Statuses[(int)status]);

    private IEnumerable<Measurement<T>> Figures<T>(Func<QueueFigures, T> figure)
        where T : struct => Queues is { } figures ? [new Measurement<T>(figure(figures))] : [];
}
