namespace MailGrains.Gateways;

/// <summary>Bounds the open sessions of this process, all protocols together: each holds a file, and the store needs some too.</summary>
public sealed class SessionSlots(GatewayOptions options)
{
    private int _taken;

    /// <summary>Open sessions.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>False: there are as many as may be; else <see cref="Release"/> must follow.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= options.MaxSessions)
        {
            return true;
        }

        Release();
        return false;
    }

    public void Release() => Interlocked.Decrement(ref _taken);
}
