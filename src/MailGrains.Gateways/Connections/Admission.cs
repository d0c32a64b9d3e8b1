using MailGrains.Gateways.Connections.Lookups;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Connections;

/// <summary>What every listener asks first: may this connection be? A refused one costs one line to the client, and at most one a minute and address to the log.</summary>
public sealed partial class Admission(
    ConnectionOptions options, AddressBudgets budgets, PeerLookups lookups, SessionSlots slots, GatewayMetrics metrics, ILogger<Admission> logger)
{
    /// <summary>To be disposed of when the connection ends; the session runs only where <see cref="Admitted.Refusal"/> is null.</summary>
    /// <param name="protocol">Lower case, for metrics and log.</param>
    /// <param name="wanted">What DNS is asked of a client that is admitted.</param>
    public Admitted Enter(ConnectionContext connection, string protocol, WantedLookups wanted)
    {
        var peer = new PeerFacts(connection, options);
        connection.Features.Set(peer);
        if (budgets.TryOpen(peer) is { } why)
        {
            return Refuse(peer, protocol, new Refusal(why, IsOurs: false));
        }

        if (!slots.TryTake())
        {
            budgets.Close(peer);
            return Refuse(peer, protocol, new Refusal("Too many connections", IsOurs: true));
        }

        lookups.Begin(peer, wanted);
        metrics.SessionOpened(protocol);
        return new Admitted(peer, null, () =>
        {
            metrics.SessionClosed(protocol);
            slots.Release();
            budgets.Close(peer);
        });
    }

    private Admitted Refuse(PeerFacts peer, string protocol, Refusal refusal)
    {
        metrics.ConnectionRefused(protocol);
        if (budgets.TakeLogLine(peer) is > 0 and var count)
        {
            LogRefused(protocol, AddressKey.Of(peer.Address), refusal.Text, count);
        }

        return new Admitted(peer, refusal, null);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Protocol}: connection from {Address} refused: {Why} ({Count} since the last such line)")]
    private partial void LogRefused(string protocol, AddressKey address, string why, int count);
}

/// <param name="IsOurs">It is this server that is full, and no fault of the client's.</param>
public sealed record Refusal(string Text, bool IsOurs);

/// <summary>A connection that <see cref="Admission"/> has looked at.</summary>
public sealed class Admitted(PeerFacts peer, Refusal? refusal, Action? leave) : IDisposable
{
    private Action? _leave = leave;

    public PeerFacts Peer => peer;

    /// <summary>Null: the session may run.</summary>
    public Refusal? Refusal => refusal;

    public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
}
