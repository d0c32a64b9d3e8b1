using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace MailGrains.Testing.Metrics;

/// <summary>Meters of one test, and the sums of what their counters counted: no other test's are among them.</summary>
public sealed class MeasuredMeters : IMeterFactory
{
    private readonly ConcurrentBag<Meter> _meters = [];
    private readonly ConcurrentDictionary<(string Instrument, string Labels), long> _sums = [];
    private readonly ConcurrentDictionary<string, double> _gauges = [];
    private readonly MeterListener _listener = new();

    public MeasuredMeters()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == this)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
        {
            if (instrument.IsObservable)
            {
                _gauges[instrument.Name] = value;
            }
        });
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) =>
        {
            if (instrument.IsObservable)
            {
                _gauges[instrument.Name] = value;
                return;
            }

            var text = new List<string>();
            foreach (var (name, label) in labels)
            {
                text.Add($"{name}={label}");
            }

            _sums.AddOrUpdate((instrument.Name, string.Join(' ', text)), value, (_, sum) => sum + value);
        });
        _listener.Start();
    }

    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    /// <summary>The sum of an instrument's measurements that carry all of <paramref name="labels"/> (<c>name=value</c>).</summary>
    public long Sum(string instrument, params string[] labels) => _sums
        .Where(s => s.Key.Instrument == instrument && labels.All(l => s.Key.Labels.Split(' ').Contains(l)))
        .Sum(s => s.Value);

    /// <summary>What a gauge without labels shows now; null: nothing.</summary>
    public double? Gauge(string instrument)
    {
        _gauges.Clear();
        _listener.RecordObservableInstruments();
        return _gauges.TryGetValue(instrument, out var value) ? value : null;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var meter in _meters)
        {
            meter.Dispose();
        }
    }
}
