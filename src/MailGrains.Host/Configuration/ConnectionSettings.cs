using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;

namespace MailGrains.Host.Configuration;

/// <summary>Who may connect: <c>MailGrains:Smtp:{TrustedNetworks,RelayNetworks,Limits,ReverseNames,Dnsbl}</c>, <c>MailGrains:Proxy</c>, <c>MailGrains:Dns</c>.</summary>
internal static class ConnectionSettings
{
    private const int MostOfALimit = 1_000_000;
    private const int DnsPort = 53;

    /// <exception cref="SettingsException">A value can't be used.</exception>
    public static ConnectionOptions Read(SettingsReader settings)
    {
        var limits = new AddressLimits();
        return new ConnectionOptions
        {
            TrustedNetworks = ReadNetworks(settings, "Smtp:TrustedNetworks", NetworkList.Loopback),
            RelayNetworks = ReadNetworks(settings, "Smtp:RelayNetworks", NetworkList.None),
            ProxyNetworks = ReadNetworks(settings, "Proxy:Networks", NetworkList.None),
            ReverseNames = settings.Flag("Smtp:ReverseNames", absent: true),
            DnsblZones = [.. settings.Entries("Smtp:Dnsbl:Zones").Select(entry => ReadZone(settings, entry))],
            DnsServers = [.. settings.List("Dns:Servers").Select(ReadServer)],
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

    private static DnsblZone ReadZone(SettingsReader settings, string entry)
    {
        var zone = settings.Text($"{entry}:Zone")?.TrimEnd('.');
        return zone is not null && AddressName.TryNormalize("postmaster", zone, out var name)
            ? new DnsblZone(name.Domain, [.. settings.List($"{entry}:Codes").Select(code => ReadCodes($"{entry}:Codes", code))])
            : throw SettingsReader.Wrong($"{entry}:Zone", zone ?? "", "a domain name");
    }

    private static DnsblCodes ReadCodes(string name, string value) => DnsblCodes.TryParse(value, out var codes)
        ? codes.Value
        : throw SettingsReader.Wrong(name, value, "a list of answers such as 127.0.0.2 or 127.0.0.4-127.0.0.7");

    private static IPEndPoint ReadServer(string value) => IPEndPoint.TryParse(value, out var server)
        ? new IPEndPoint(server.Address, server.Port == 0 ? DnsPort : server.Port)
        : throw SettingsReader.Wrong("Dns:Servers", value, "a list of address:port, such as 127.0.0.1:53 or [::1]:53");

    // A list that is there but empty means nobody.
    private static NetworkList ReadNetworks(SettingsReader settings, string name, NetworkList absent) =>
        settings.Has(name) ? new NetworkList(settings.List(name).Select(value => ReadNetwork(name, value))) : absent;

    private static IPNetwork ReadNetwork(string name, string value) => NetworkList.TryParse(value, out var network)
        ? network.Value
        : throw SettingsReader.Wrong(name, value, "a list of networks such as 10.0.0.0/8 or 2001:db8::/32, or addresses");
}
