using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>What <see cref="DestinationLeases.AcquireAsync"/> came to.</summary>
/// <param name="Permit">To be disposed of once the connection is closed; null: none is to be had before <paramref name="NotBefore"/>.</param>
/// <param name="Reason">With no permit: why.</param>
public readonly record struct PermitResult(ConnectionPermit? Permit, DateTimeOffset NotBefore, string? Reason);

public enum MessageTurnKind
{
    /// <summary>Send it.</summary>
    Send = 1,

    /// <summary>The connection has had its messages, or is wanted elsewhere: close it.</summary>
    Close = 2,

    /// <summary>The site has had its messages: none before <see cref="MessageTurn.NotBefore"/>, on no connection.</summary>
    Wait = 3,
}

/// <summary>What <see cref="ConnectionPermit.TakeMessageAsync"/> came to.</summary>
public readonly record struct MessageTurn(MessageTurnKind Kind, DateTimeOffset NotBefore, string? Reason);

/// <summary>The right to one connection to a site; thread-safe. Whoever has it says how the connection went, and disposes of it after closing it.</summary>
public sealed class ConnectionPermit : IDisposable
{
    private readonly SitePermits _owner;
    private readonly CancellationTokenSource _ended = new();

    internal ConnectionPermit(SitePermits owner, DestinationKey key, bool isProbe)
    {
        (_owner, Site, Source, IsProbe) = (owner, key.Site, key.Source, isProbe);
        Ended = _ended.Token;
    }

    public string Site { get; }

    /// <summary>The local address to connect from; null: the machine's choice.</summary>
    public string? Source { get; }

    /// <summary>
    /// The lease has run out: the connection is to be closed now, whatever it is doing; another silo may open one within a second
    /// (<see cref="DestinationOptions.CloseBefore"/>).
    /// </summary>
    public CancellationToken Ended { get; }

    /// <summary>It is the one connection that tries a site which has failed.</summary>
    public bool IsProbe { get; }

    /// <summary>Where <see cref="SitePermits"/> has it, under its lock.</summary>
    internal PermitProgress Progress { get; } = new();

    /// <summary>Whether another message may be sent on the connection; false is for good. To be asked of idle connections too, each time that one is looked for.</summary>
    public bool MayStartMessage() => _owner.MayStartMessage(this);

    /// <summary>Takes the right to one message; where the site's messages are limited that may take a while.</summary>
    public ValueTask<MessageTurn> TakeMessageAsync(CancellationToken cancellationToken) => _owner.TakeMessageAsync(this, cancellationToken);

    /// <summary>The server has greeted and can be used.</summary>
    public void ReportSuccess() => _owner.Report(this, null);

    /// <summary>
    /// The site is at fault: refused, timed out, a greeting of 4yz, 421 at any time. Not for what is wrong with one message, nor for a caller that gave up.
    /// </summary>
    /// <param name="failure">For operators: one line, cleaned.</param>
    public void ReportFailure(string failure) => _owner.Report(this, failure.Length == 0 ? "no reason given" : failure);

    public void Dispose() => _owner.Return(this);

    /// <summary>Those who wait for the token go on elsewhere.</summary>
    internal void End() => _ = _ended.CancelAsync();
}

/// <summary>What has become of a permit so far.</summary>
internal sealed class PermitProgress
{
    public int Messages { get; set; }

    /// <summary>It was told to close, since others are to have the connection.</summary>
    public bool IsYielding { get; set; }

    public bool IsReported { get; set; }

    public bool HasFailed { get; set; }

    /// <summary>Returned, or its lease has run out.</summary>
    public bool IsOver { get; set; }

    public bool IsReturned { get; set; }
}
