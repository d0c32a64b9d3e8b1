using System.Diagnostics.Metrics;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Sending;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay;

/// <summary>What a silo sends; labels have a handful of values each.</summary>
public sealed class RelayMetrics
{
    private static readonly KeyValuePair<string, object?>[] Kinds = Labels<OutcomeKind>("outcome");
    private static readonly KeyValuePair<string, object?>[] Statuses = Labels<RelayStatus>("status");
    private static readonly KeyValuePair<string, object?>[] Stages = Labels<SmtpStage>("failed_at");
    private static readonly KeyValuePair<string, object?> NotFailed = new("failed_at", "");

    private readonly Counter<long> _attempts;
    private readonly Counter<long> _recipients;
    private readonly Counter<long> _uncertain;
    private readonly Counter<long> _connections;
    private readonly Counter<long> _tls;
    private readonly Histogram<double> _seconds;

    public RelayMetrics(IMeterFactory meters, RelayAlarms alarms)
    {
        var meter = meters.Create(GrainMetrics.MeterName);
        _attempts = meter.CreateCounter<long>("mailgrains.relay.attempts", "{message}", "Attempts to send a message, by how they ended.");
        _recipients = meter.CreateCounter<long>("mailgrains.relay.recipients", "{recipient}", "Recipients of attempts, by their outcome.");
        _uncertain = meter.CreateCounter<long>("mailgrains.relay.uncertain", "{message}", "Attempts of which it is not known whether the message was taken.");
        _connections = meter.CreateCounter<long>("mailgrains.relay.connections", "{connection}", "Connections to other servers, by the stage that they failed at.");
        _tls = meter.CreateCounter<long>("mailgrains.relay.tls", "{handshake}", "Handshakes with other servers, by the version of TLS.");
        _seconds = meter.CreateHistogram<double>("mailgrains.relay.transaction.duration", "s", "What a message takes on a connection.");
        meter.CreateObservableGauge("mailgrains.relay.alarms", () => alarms.Current.Count, "{alarm}", "What keeps mail waiting until somebody mends it.");
    }

    internal void Ended(RelayReport report)
    {
        _attempts.Add(1, Statuses[(int)report.Status]);
        foreach (var outcome in report.Outcomes)
        {
            _recipients.Add(1, Kinds[(int)outcome.Kind]);
        }

        if (report.IsUncertain)
        {
            _uncertain.Add(1);
        }
    }

    internal void Opened(in Opening opening) => _connections.Add(1, opening.Failure is { } failure ? Stages[(int)failure.Stage] : NotFailed);

    internal void Secured(string version) => _tls.Add(1, new KeyValuePair<string, object?>("version", version));

    internal void Sent(TimeSpan time) => _seconds.Record(time.TotalSeconds);

    private static KeyValuePair<string, object?>[] Labels<TEnum>(string name)
        where TEnum : struct, Enum =>
        [.. Enumerable.Range(0, Enum.GetValues<TEnum>().Max(value => Convert.ToInt32(value, null)) + 1)
            .Select(i => new KeyValuePair<string, object?>(name, Enum.GetName((TEnum)Enum.ToObject(typeof(TEnum), i))))];
}
