using System.Net;
using MailGrains.Contracts.Directory;

namespace MailGrains.Web.Operators;

/// <summary>
/// Counts wrong keys by address (IPv6: by /64). One that has spent its budget is refused unheard until some is forgiven; holding the right
/// key does not help it, or guessing would not be slowed down.
/// </summary>
internal sealed class FailureThrottle(AdminOptions options, TimeProvider time)
{
    // With more addresses than this at once they share one budget: memory is bounded, and a guesser with a botnet gains nothing.
    private const int MaxAddresses = 10_000;
    private const string Shared = "";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DateTimeOffset> _forgivenAt = [];
    private DateTimeOffset _nextSweep;

    /// <summary>How long the address is to wait, or zero.</summary>
    public TimeSpan WaitOf(IPAddress? address)
    {
        lock (_gate)
        {
            var debt = DebtOf(Key(address));
            var wait = debt - options.FailureForgivenAfter * (options.MaxFailures - 1);
            return debt > TimeSpan.Zero && wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    public void Record(IPAddress? address)
    {
        lock (_gate)
        {
            var key = Key(address);
            _forgivenAt[key] = time.GetUtcNow() + DebtOf(key) + options.FailureForgivenAfter;
        }
    }

    /// <summary>The time until all failures of the address are forgiven.</summary>
    private TimeSpan DebtOf(string key) =>
        _forgivenAt.TryGetValue(key, out var forgivenAt) && forgivenAt - time.GetUtcNow() is var debt && debt > TimeSpan.Zero ? debt : TimeSpan.Zero;

    private string Key(IPAddress? address)
    {
        var key = address is null ? Shared : LoginPeer.Of(address);
        if (_forgivenAt.Count < MaxAddresses || _forgivenAt.ContainsKey(key))
        {
            return key;
        }

        var now = time.GetUtcNow();
        if (now < _nextSweep)
        {
            return Shared;
        }

        _nextSweep = now + options.FailureForgivenAfter;
        foreach (var (forgiven, _) in _forgivenAt.Where(entry => entry.Value <= now).ToList())
        {
            _forgivenAt.Remove(forgiven);
        }

        return _forgivenAt.Count < MaxAddresses ? key : Shared;
    }
}
