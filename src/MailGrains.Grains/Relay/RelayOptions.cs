using MailGrains.Grains.Relay.Routing;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay;

/// <summary>How mail is sent to other servers; immutable.</summary>
public sealed record RelayOptions
{
    /// <summary>Our name, and the times of a session.</summary>
    public required SmtpClientOptions Smtp { get; init; }

    public RelayRoutes Routes { get; init; } = RelayRoutes.None;

    /// <summary>Where MX listen: 25 but in tests.</summary>
    public int Port { get; init; } = 25;

    /// <summary>For one address.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Addresses that are tried before a site counts as down; those of the best hosts.</summary>
    public int MaxAddresses { get; init; } = 6;

    /// <summary>Hosts that a message is shown to in one attempt.</summary>
    public int MaxSessions { get; init; } = 3;

    /// <summary>For a connection without a message.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Messages that a silo has taken and not reported yet.</summary>
    public int MaxMessages { get; init; } = 5_000;

    /// <summary>Octets of bodies that came with them.</summary>
    public long MaxInlineBytes { get; init; } = 64 << 20;

    /// <summary>Messages of them for sites without a connection that works: so many may wait for the dead.</summary>
    public int MaxUnproven { get; init; } = 2_500;

    /// <summary>Of one such site.</summary>
    public int MaxSiteUnproven { get; init; } = 100;

    /// <summary>Of a site that works.</summary>
    public int MaxSiteMessages { get; init; } = 1_000;

    /// <summary>Connections of one site that are being opened at once, when one works already.</summary>
    public int MaxOpening { get; init; } = 4;

    /// <summary>How long transactions go on when the silo stops.</summary>
    public TimeSpan StopTime { get; init; } = TimeSpan.FromSeconds(20);
}
