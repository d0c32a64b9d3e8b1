namespace MailGrains.Gateways;

/// <summary>Tells the sessions that the process is about to stop: they end between transactions.</summary>
public sealed class Drain : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancellationToken Token => _source.Token;

    public void Begin() => _source.Cancel();

    public void Dispose() => _source.Dispose();
}
