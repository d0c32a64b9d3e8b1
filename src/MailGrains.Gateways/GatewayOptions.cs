using MailGrains.Gateways.Connections;

namespace MailGrains.Gateways;

/// <summary>What the gateways of this process need to know; immutable.</summary>
public sealed record GatewayOptions
{
    /// <summary>In banners, Received and EHLO.</summary>
    public required string HostName { get; init; }

    /// <summary>SIZE (RFC 1870), in octets.</summary>
    public long MaxMessageBytes { get; init; } = 50 * 1024 * 1024;

    /// <summary>Sessions of all protocols that may be open; one more is told to come again. Well below what files there are.</summary>
    public int MaxSessions { get; init; } = Math.Min(15_000, OpenFiles.MostSessions);

    /// <summary>How long a peer on port 25 that nothing is known of waits for its greeting; one that speaks meanwhile is sent away.</summary>
    public TimeSpan GreetDelay { get; init; }

    /// <summary>How much later each further refusal is answered to such a peer.</summary>
    public TimeSpan TarpitDelay { get; init; }

    /// <summary>How long the mailboxes have to answer for one message before the client hears 451.</summary>
    public TimeSpan HandOverTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
