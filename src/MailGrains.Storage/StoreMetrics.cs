using System.Diagnostics.Metrics;

namespace MailGrains.Storage;

/// <summary>
/// What every store counts, under the same names, so that a dashboard need not know which store is in use. The labels are bounded:
/// <c>store</c> (azure, sqlite), <c>outcome</c> (committed, conflict or a <see cref="StoreFailure"/>), <c>service</c> (table, blob).
/// </summary>
public sealed class StoreMetrics
{
    public const string MeterName = "MailGrains.Storage";

    /// <summary>Transactions that a caller asked for, by outcome.</summary>
    public const string CommitsName = "mailgrains.storage.commits";

    /// <summary>Seconds from the call of a transaction to its outcome.</summary>
    public const string CommitDurationName = "mailgrains.storage.commit.duration";

    /// <summary>Requests that went to a remote store, retries included: what the provider bills.</summary>
    public const string RequestsName = "mailgrains.storage.requests";

    /// <summary>Groups of transactions that the embedded store committed together, with one sync: committed transactions over groups are those of a sync.</summary>
    public const string GroupsName = "mailgrains.storage.groups";

    private readonly Counter<long> _commits;
    private readonly Histogram<double> _commitDuration;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _groups;
    private readonly KeyValuePair<string, object?> _store;

    /// <param name="meter">Named <see cref="MeterName"/>.</param>
    /// <param name="store">The label of the store: azure, sqlite.</param>
    public StoreMetrics(Meter meter, string store)
    {
        _commits = meter.CreateCounter<long>(CommitsName, "{transaction}", "Table transactions by outcome.");
        _commitDuration = meter.CreateHistogram(
            CommitDurationName, "s", "Time of a table transaction.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10] });
        _requests = meter.CreateCounter<long>(RequestsName, "{request}", "Requests sent to a remote store.");
        _groups = meter.CreateCounter<long>(GroupsName, "{group}", "Groups of transactions that shared a sync.");
        _store = new("store", store);
    }

    public void Committed(TimeSpan elapsed) => Commit("committed", elapsed);

    public void Conflicted(TimeSpan elapsed) => Commit("conflict", elapsed);

    public void Failed(StoreFailure failure, TimeSpan elapsed) => Commit(Label(failure), elapsed);

    public void Requested(string service) => _requests.Add(1, _store, new("service", service));

    public void Grouped() => _groups.Add(1, _store);

    private void Commit(string outcome, TimeSpan elapsed)
    {
        var label = new KeyValuePair<string, object?>("outcome", outcome);
        _commits.Add(1, _store, label);
        _commitDuration.Record(elapsed.TotalSeconds, _store, label);
    }

    private static string Label(StoreFailure failure) => failure switch
    {
        StoreFailure.Refused => "refused",
        StoreFailure.Full => "full",
        StoreFailure.Unavailable => "unavailable",
        StoreFailure.Unreadable => "unreadable",
        _ => "unknown",
    };
}
