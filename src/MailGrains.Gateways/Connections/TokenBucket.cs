namespace MailGrains.Gateways.Connections;

/// <summary>So many a minute; a bucket that was never used is full.</summary>
internal struct TokenBucket
{
    private double _used;
    private long _stamp;

    /// <param name="perMinute">0: no limit.</param>
    /// <param name="now">A timestamp of <paramref name="time"/>.</param>
    public bool TryTake(int perMinute, long now, TimeProvider time)
    {
        if (perMinute == 0)
        {
            return true;
        }

        var used = Math.Max(0, _used - (time.GetElapsedTime(_stamp, now).TotalMinutes * perMinute));
        var taken = used + 1 <= perMinute;
        (_used, _stamp) = (taken ? used + 1 : used, now);
        return taken;
    }
}
