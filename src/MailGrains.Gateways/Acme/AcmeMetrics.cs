using System.Diagnostics.Metrics;

namespace MailGrains.Gateways.Acme;

/// <summary>What became of orders. The gauges are those of the silo that has the grain; the others show what they showed when they had it last, or nothing.</summary>
public sealed class AcmeMetrics : IDisposable
{
    /// <summary>RFC 8555 §6.7; what else an authority may say is "other".</summary>
    private static readonly HashSet<string> Kinds =
    [
        "accountDoesNotExist", "badCSR", "badNonce", "caa", "connection", "dns", "incorrectResponse", "invalidContact", "malformed", "orderNotReady",
        "rateLimited", "rejectedIdentifier", "serverInternal", "tls", "unauthorized", "userActionRequired", "noAnswer", "refused",
    ];

    private readonly Meter _meter;
    private readonly Counter<long> _orders;
    private (int Certificates, int Failing, double LeastDays)? _seen;

    public AcmeMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(GatewayMetrics.MeterName);
        _orders = _meter.CreateCounter<long>("mailgrains.acme.orders", "{order}", "Orders of certificates by outcome");
        _meter.CreateObservableGauge("mailgrains.acme.certificates", () => Seen(s => s.Certificates), "{certificate}", "Certificates that are ordered and renewed");
        _meter.CreateObservableGauge("mailgrains.acme.failing", () => Seen(s => s.Failing), "{certificate}", "Certificates whose last order failed");
        _meter.CreateObservableGauge("mailgrains.acme.days", () => Seen(s => s.LeastDays), "d", "Until the first of the ordered certificates expires");
    }

    internal void Issued() => Count("issued");

    internal void Failed(string kind) => Count(Kinds.TryGetValue(kind, out var known) ? known : "other");

    internal void Saw(IReadOnlyCollection<CertificateRecord> records, DateTimeOffset now) => _seen = (
        records.Count,
        records.Count(record => record.FailingSince is not null),
        records.Select(record => record.NotAfter - now).Min()?.TotalDays ?? 0);

    public void Dispose() => _meter.Dispose();

    private void Count(string outcome) => _orders.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    private IEnumerable<Measurement<double>> Seen(Func<(int Certificates, int Failing, double LeastDays), double> value) =>
        _seen is { } seen ? [new(value(seen))] : [];
}
