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

    private readonly Counter<long> _commits;
    private readonly Histogram<double> _commitDuration;
    private readonly Counter<long> _requests;
    private readonly KeyValuePair<string, object?> _store;

    /// <param name="meter">Named <see cref="MeterName"/>.</param>
    /// <param name="store">The label of the store: azure, sqlite.</param>
    public StoreMetrics(Meter meter, string store)
    {
        _commits = meter.CreateCounter<long>(CommitsName, "{transaction}", "Table transactions by outcome.");
        _commitDuration = meter.CreateHistogram<double>(CommitDurationName, "s", "Time of a table transaction.");
        _requests = meter.CreateCounter<long>(RequestsName, "{request}", "Requests sent to a remote store.");
        _store = new("store", store);
    }

    public void Committed(TimeSpan elapsed) => Commit("committed", elapsed);

    public void Conflicted(TimeSpan elapsed) => Commit("conflict", elapsed);

    public void Failed(StoreFailure failure, TimeSpan elapsed) => Commit(Label(failure), elapsed);

    public void Requested(string service) => _requests.Add(1, _store, new("service", service));

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
