using System.Net;
using MailGrains.Gateways.Connections;

namespace MailGrains.Host.Configuration;

/// <summary>Who may connect: <c>MailGrains:Smtp:TrustedNetworks</c>, <c>MailGrains:Smtp:Limits</c>, <c>MailGrains:Proxy:Networks</c>.</summary>
internal static class ConnectionSettings
{
    private const int MostOfALimit = 1_000_000;

    /// <exception cref="SettingsException">A value can't be used.</exception>
    public static ConnectionOptions Read(SettingsReader settings)
    {
        var limits = new AddressLimits();
        return new ConnectionOptions
        {
            TrustedNetworks = ReadNetworks(settings, "Smtp:TrustedNetworks", NetworkList.Loopback),
            ProxyNetworks = ReadNetworks(settings, "Proxy:Networks", NetworkList.None),
            Limits = new AddressLimits
            {
                Connections = Limit(settings, nameof(limits.Connections), limits.Connections),
                NewConnectionsPerMinute = Limit(settings, nameof(limits.NewConnectionsPerMinute), limits.NewConnectionsPerMinute),
                MessagesPerMinute = Limit(settings, nameof(limits.MessagesPerMinute), limits.MessagesPerMinute),
                RecipientsPerMinute = Limit(settings, nameof(limits.RecipientsPerMinute), limits.RecipientsPerMinute),
                FailedRecipientsPerMinute = Limit(settings, nameof(limits.FailedRecipientsPerMinute), limits.FailedRecipientsPerMinute),
            },
        };
    }

    private static int Limit(SettingsReader settings, string name, int absent) =>
        (int)settings.Whole($"Smtp:Limits:{name}", absent, 0, MostOfALimit);

    // A list that is there but empty means nobody.
    private static NetworkList ReadNetworks(SettingsReader settings, string name, NetworkList absent) =>
        settings.Has(name) ? new NetworkList(settings.List(name).Select(value => ReadNetwork(name, value))) : absent;

    private static IPNetwork ReadNetwork(string name, string value) => NetworkList.TryParse(value, out var network)
        ? network.Value
        : throw SettingsReader.Wrong(name, value, "a list of networks such as 10.0.0.0/8 or 2001:db8::/32, or addresses");
}
