namespace MailGrains.Gateways;

/// <summary>
/// How far this process has come on its way out, in this order: it is not ready any more, but takes connections; sessions end, each where its protocol lets it;
/// what has not ended is cut off.
/// </summary>
public sealed class Drain : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationTokenSource _cutOff = new();
    private volatile bool _isAnnounced;

    /// <summary>Nobody should come here any more; who does is served.</summary>
    public bool IsAnnounced => _isAnnounced;

    /// <summary>Sessions end: SMTP between transactions, POP3 when its client has said QUIT or pauses.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Sessions that go on are cut off, in whatever they are.</summary>
    public CancellationToken CutOff => _cutOff.Token;

    public void Announce() => _isAnnounced = true;

    public void Begin()
    {
        Announce();
        _ending.Cancel();
    }

    public void Cut()
    {
        Begin();
        _cutOff.Cancel();
    }

    public void Dispose()
    {
        _ending.Dispose();
        _cutOff.Dispose();
    }
}
