using MailGrains.Contracts.Text;

namespace MailGrains.Grains.Relay;

public enum RelayAlarmKind
{
    /// <summary>A smart host refuses the login of a route.</summary>
    LoginRefused = 1,

    /// <summary>No server anywhere answers on port 25.</summary>
    Port25Blocked = 2,
}

/// <param name="Subject">The host; empty where it is none.</param>
/// <param name="Text">For operators, on one line.</param>
public sealed record RelayAlarm(RelayAlarmKind Kind, string Subject, string Text, DateTimeOffset Since);

/// <summary>What keeps mail waiting in this silo until an operator mends it; for health, metrics and logs.</summary>
public sealed class RelayAlarms(TimeProvider time)
{
    /// <summary>So many sites do not answer, one after the other...</summary>
    private const int SilentSites = 10;
    private const int MaxHosts = 100;

    /// <summary>...and none has for so long.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _silent = [];
    private readonly Dictionary<string, RelayAlarm> _refused = [];
    private DateTimeOffset _silentSince = time.GetUtcNow();

    public IReadOnlyList<RelayAlarm> Current
    {
        get
        {
            lock (_gate)
            {
                List<RelayAlarm> alarms = [.. _refused.Values];
                if (_silent.Count >= SilentSites && time.GetUtcNow() - _silentSince >= Silence)
                {
                    alarms.Add(new RelayAlarm(
                        RelayAlarmKind.Port25Blocked, "", $"{_silent.Count} sites did not answer on port 25, and no other has: is it blocked on the way out?", _silentSince));
                }

                return alarms;
            }
        }
    }

    internal void ConnectTimedOut(string site)
    {
        lock (_gate)
        {
            if (_silent.Count < MaxHosts)
            {
                _silent.Add(site);
            }
        }
    }

    internal void Connected()
    {
        lock (_gate)
        {
            _silent.Clear();
            _silentSince = time.GetUtcNow();
        }
    }

    /// <param name="refusal">Null: it was taken.</param>
    internal void LoggedIn(string host, string? refusal)
    {
        lock (_gate)
        {
            if (refusal is null)
            {
                _refused.Remove(host);
            }
            else if (_refused.Count < MaxHosts)
            {
                _refused.TryAdd(host, new RelayAlarm(RelayAlarmKind.LoginRefused, host, new LogText(refusal).ToString(), time.GetUtcNow()));
            }
        }
    }
}
