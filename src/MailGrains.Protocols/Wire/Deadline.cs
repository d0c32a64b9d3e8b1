namespace MailGrains.Protocols.Wire;

/// <summary>
/// A session's one timer. Setting a deadline is a field's write: the timer is touched only when it would fire too late, and one that fires too early
/// goes to sleep again, so a session that is busy arms it once in minutes. Times are those since the session began.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _timeProvider;
    private readonly Action _wake;
    private readonly long _start;
    private ITimer? _timer;
    private TimeSpan _due = TimeSpan.MaxValue;
    private TimeSpan _armedFor = TimeSpan.MaxValue;
    private bool _disposed;

    /// <param name="wake">Called from the timer when a deadline has passed; it only makes the session look.</param>
    public Deadline(TimeProvider timeProvider, Action wake)
    {
        _timeProvider = timeProvider;
        _wake = wake;
        _start = timeProvider.GetTimestamp();
    }

    public TimeSpan Now => _timeProvider.GetElapsedTime(_start);

    public bool IsPast => Now >= _due;

    public void Set(TimeSpan due)
    {
        lock (_gate)
        {
            _due = due;
            if (due < _armedFor)
            {
                Arm(due);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            _armedFor = TimeSpan.MaxValue;
            if (_disposed)
            {
                return;
            }

            if (!IsPast)
            {
                Arm(_due);
                return;
            }
        }

        _wake();
    }

    private void Arm(TimeSpan due)
    {
        _armedFor = due;

        // Timers count whole milliseconds; rounding up keeps one from firing just before its time.
        var delay = TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((due - Now).TotalMilliseconds)));
        if (_timer is null)
        {
            _timer = _timeProvider.CreateTimer(static state => ((Deadline)state!).OnTimer(), this, delay, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(delay, Timeout.InfiniteTimeSpan);
        }
    }
}
