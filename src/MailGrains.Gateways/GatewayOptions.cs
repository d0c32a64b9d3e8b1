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

    /// <summary>Whose mail it is that clients in <see cref="ConnectionOptions.RelayNetworks"/> send as senders whose domain is not hosted here; null: they may not.</summary>
    public string? RelayTenant { get; init; }

    /// <summary>Over how many grains a tenant's mail for one domain is spread; only ever raised.</summary>
    public int QueueShards { get; init; } = 1;

    /// <summary>What reverse-paths of forwarded mail are signed with: the first signs, all are good. Secret.</summary>
    public IReadOnlyList<string> SrsKeys { get; init; } = [];

    /// <summary>How long mailboxes and queues have to answer for one message before the client hears 451; once more where a queue is to take what mailboxes did not.</summary>
    public TimeSpan HandOverTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
