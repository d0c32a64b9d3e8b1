namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// When those come again for whom there was no room: one after the other, so that ten thousand of them cost no more calls a second than some hundred. Thread-safe.
/// </summary>
internal sealed class SenderTurns(TimeProvider time, TimeSpan every)
{
    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _last;

    /// <summary>How long it is until the next turn that nobody has.</summary>
    public TimeSpan Next()
    {
        lock (_gate)
        {
            var now = time.GetElapsedTime(_start);
            _last = _last + every > now ? _last + every : now;
            return _last - now;
        }
    }
}
