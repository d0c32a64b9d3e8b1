using System.Collections.Immutable;
using MailGrains.Contracts.Certificates;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// What operators are to know, by what the last look found and the time that it is now: runs that have failed since then hide nothing. Names that are
/// not configured any more are nobody's concern.
/// </summary>
/// <param name="began">When runs began.</param>
internal sealed class CertificateAlarms(AcmeOptions options, DateTimeOffset began)
{
    private const int MaxShown = 20;

    private static readonly TimeSpan StallsAfter = TimeSpan.FromHours(1);

    private readonly Dictionary<CertificateKey, DateTimeOffset> _unreadable = [];
    private ImmutableArray<ListedCertificate> _seen = [];
    private DateTimeOffset _succeeded = began;

    /// <summary>There was a look.</summary>
    public bool HasSeen { get; private set; }

    /// <summary>Takes what a look found.</summary>
    /// <returns>Those that can't be read and could the last time, or were not there.</returns>
    public IReadOnlyList<ListedCertificate> Saw(IEnumerable<ListedCertificate> all, DateTimeOffset now)
    {
        (_seen, HasSeen) = ([.. all], true);
        var unreadable = _seen.Where(listed => listed.Stored is null).ToDictionary(listed => listed.Key);
        foreach (var mended in _unreadable.Keys.Where(key => !unreadable.ContainsKey(key)).ToList())
        {
            _unreadable.Remove(mended);
        }

        return [.. unreadable.Values.Where(listed => _unreadable.TryAdd(listed.Key, now))];
    }

    /// <summary>A run has gone well.</summary>
    public void Succeeded(DateTimeOffset now) => _succeeded = now;

    public CertificateWatch Watch(DateTimeOffset now)
    {
        var unreadable = _seen.Where(listed => listed.Stored is null && options.IsFor(listed.Key))
            .Select(listed => StateOf(listed) with { FailingSince = _unreadable[listed.Key] });
        var stored = _seen.Select(listed => listed.Stored).OfType<StoredCertificate>().Where(one => options.IsFor(one.Key)).ToList();
        return new CertificateWatch(
            [.. unreadable.Concat(stored.Where(one => RenewalSchedule.IsFailing(one.Record, now)).Select(StateOf)).Take(MaxShown)],
            [.. stored.Where(one => RenewalSchedule.IsEnding(one.Key, one.Record, now)).Select(StateOf).Take(MaxShown)],
            options.Directory is not null && now - _succeeded >= StallsAfter ? _succeeded : null);
    }

    public static CertificateState StateOf(ListedCertificate listed) => listed.Stored is { } stored
        ? StateOf(stored)
        : new CertificateState(listed.Key.ToString(), [.. listed.Key.Candidates()], null, null, listed.Why, null);

    private static CertificateState StateOf(StoredCertificate stored) => new(
        stored.Key.ToString(), [.. stored.Record.Names], stored.Record.NotAfter, RenewalSchedule.NextOrder(stored.Key, stored.Record),
        stored.Record.LastError, stored.Record.FailingSince);
}
