using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MailGrains.Gateways;

/// <summary>The gateways' instruments; labels are of small fixed sets.</summary>
public sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = "MailGrains.Gateways";

    private readonly Meter _meter;
    private readonly UpDownCounter<long> _sessions;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _lookupsFailed;
    private readonly Counter<long> _messages;
    private readonly Histogram<double> _reply;
    private readonly Counter<long> _verdicts;
    private readonly Histogram<double> _filter;

    public GatewayMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _sessions = _meter.CreateUpDownCounter<long>("mailgrains.gateway.sessions", "{session}", "Open sessions by protocol");
        _refused = _meter.CreateCounter<long>("mailgrains.gateway.refused", "{connection}", "Connections refused by protocol");
        _lookupsFailed = _meter.CreateCounter<long>("mailgrains.gateway.lookups.failed", "{lookup}", "Look-ups of clients in DNS that failed, by kind");
        _messages = _meter.CreateCounter<long>("mailgrains.smtp.messages", "{message}", "Messages by the first digit of their reply");
        _reply = _meter.CreateHistogram(
            "mailgrains.smtp.reply.duration", "s", "From end-of-data to its reply", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
        _verdicts = _meter.CreateCounter<long>("mailgrains.filter.verdicts", "{verdict}", "Verdicts by filter, action and whether it could tell");
        _filter = _meter.CreateHistogram(
            "mailgrains.filter.duration", "s", "What a message waits for a filter", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60] });
    }

    public void SessionOpened(string protocol) => _sessions.Add(1, new KeyValuePair<string, object?>("protocol", protocol));

    public void SessionClosed(string protocol) => _sessions.Add(-1, new KeyValuePair<string, object?>("protocol", protocol));

    public void ConnectionRefused(string protocol) => _refused.Add(1, new KeyValuePair<string, object?>("protocol", protocol));

    public void LookupFailed(string kind) => _lookupsFailed.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void MessageAnswered(int code, long started)
    {
        _messages.Add(1, new KeyValuePair<string, object?>("reply", code < 300 ? "2" : code < 500 ? "4" : "5"));
        _reply.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <param name="filter">One of the filters' names, never data.</param>
    public void FilterAnswered(string filter, string action, bool failed, long started)
    {
        var name = new KeyValuePair<string, object?>("filter", filter);
        _verdicts.Add(1, name, new("action", action), new("failed", failed ? "true" : "false"));
        _filter.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, name);
    }

    public void Dispose() => _meter.Dispose();
}
