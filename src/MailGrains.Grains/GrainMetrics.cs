using System.Diagnostics.Metrics;
using MailGrains.Contracts.Delivery;

namespace MailGrains.Grains;

/// <summary>The meter of the grains; its labels have a handful of values each.</summary>
public sealed class GrainMetrics
{
    public const string MeterName = "MailGrains.Grains";

    private static readonly KeyValuePair<string, object?>[] Statuses =
        [.. Enumerable.Range(0, 7).Select(status => new KeyValuePair<string, object?>("status", ((DeliveryStatus)status).ToString()))];

    private readonly Counter<long> _deliveries;

    public GrainMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _deliveries = meter.CreateCounter<long>("mailgrains.deliveries", "{message}", "Hand-overs to mailboxes, by how they ended.");
    }

    public void Delivered(DeliveryStatus status) => _deliveries.Add(1, Statuses[(int)status]);
}
