using MailGrains.Contracts.Text;

namespace MailGrains.Grains.Relay.Destinations.Reports;

/// <summary>
/// How TLS with other servers went, counted for the reports of RFC 8460: by the day (UTC), the domain and its policy. Counts are in memory, bounded, and
/// written now and then (<see cref="TlsReportTable"/>); a crash forgives the last minutes.
/// </summary>
public sealed class TlsReports(TimeProvider time)
{
    /// <summary>Policies of domains that a silo counts for a day; of any further nothing is counted.</summary>
    private const int MaxPolicies = 20_000;

    /// <summary>Kinds of failures of one policy; any further count under their result type alone.</summary>
    private const int MaxFailures = 20;

    private const int MaxReasonChars = 100;

    private readonly Lock _gate = new();
    private readonly Dictionary<(DateOnly Day, string Domain, string Policy), Counts> _counts = [];

    /// <summary>A session that has what the policy wants, or, without one, TLS.</summary>
    public void Succeeded(string domain, TlsPolicy policy) => Count(domain, policy, counts => counts.Successes++);

    /// <param name="host">The mail server; null: it did not come to that.</param>
    /// <param name="reason">More than the type says, where there is more.</param>
    public void Failed(string domain, TlsPolicy policy, TlsResultType result, string? host, string? reason) =>
        Count(domain, policy, counts => counts.AddFailure(new TlsFailureKey(result, host, reason is null ? null : Clean(reason))));

    /// <summary>What has changed since it was last taken. Each is the whole count of its day by this silo, so that to write it twice changes nothing.</summary>
    internal IReadOnlyList<TlsDayCount> TakeChanged()
    {
        lock (_gate)
        {
            List<TlsDayCount> changed = [];
            foreach (var ((day, domain, _), counts) in _counts.Where(entry => entry.Value.IsChanged))
            {
                changed.Add(counts.Taken(day, domain));
            }

            return changed;
        }
    }

    /// <summary>They could not be written.</summary>
    internal void PutBack(IEnumerable<TlsDayCount> changed)
    {
        lock (_gate)
        {
            foreach (var count in changed)
            {
                if (_counts.TryGetValue((count.Day, count.Domain, count.Policy.Key), out var counts))
                {
                    counts.IsChanged = true;
                }
            }
        }
    }

    /// <summary>Days that are over and written are forgotten.</summary>
    internal void ForgetPast()
    {
        lock (_gate)
        {
            foreach (var key in _counts.Where(entry => entry.Key.Day < Today && !entry.Value.IsChanged).Select(entry => entry.Key).ToArray())
            {
                _counts.Remove(key);
            }
        }
    }

    // RFC 8460 §4.1: days of UTC.
    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    private void Count(string domain, TlsPolicy policy, Action<Counts> count)
    {
        // An address literal has nobody to report to.
        if (domain.StartsWith('['))
        {
            return;
        }

        lock (_gate)
        {
            var key = (Today, domain, policy.Key);
            if (!_counts.TryGetValue(key, out var counts))
            {
                if (_counts.Count >= MaxPolicies)
                {
                    return;
                }

                _counts[key] = counts = new Counts(policy);
            }

            count(counts);
            counts.IsChanged = true;
        }
    }

    private static string Clean(string reason)
    {
        var text = new LogText(reason).ToString();
        return text.Length > MaxReasonChars ? text[..MaxReasonChars] : text;
    }

    private sealed class Counts(TlsPolicy policy)
    {
        private readonly Dictionary<TlsFailureKey, long> _failures = [];

        public bool IsChanged { get; set; }

        public long Successes { get; set; }

        public void AddFailure(TlsFailureKey failure)
        {
            var key = _failures.Count < MaxFailures || _failures.ContainsKey(failure) ? failure : new TlsFailureKey(failure.Result, null, null);
            _failures[key] = _failures.GetValueOrDefault(key) + 1;
        }

        public TlsDayCount Taken(DateOnly day, string domain)
        {
            IsChanged = false;
            return new TlsDayCount(day, domain, policy, Successes, [.. _failures.Select(f => new TlsFailureCount(f.Key.Result, f.Key.Host, f.Key.Reason, f.Value))]);
        }
    }

    private sealed record TlsFailureKey(TlsResultType Result, string? Host, string? Reason);
}
