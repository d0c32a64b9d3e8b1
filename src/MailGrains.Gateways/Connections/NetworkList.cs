using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace MailGrains.Gateways.Connections;

/// <summary>Networks of addresses; an IPv4 address that is mapped into IPv6 counts as IPv4.</summary>
public sealed class NetworkList(IEnumerable<IPNetwork> networks)
{
    private readonly IPNetwork[] _networks = [.. networks];

    public static NetworkList None { get; } = new([]);

    public static NetworkList Loopback { get; } = new([new IPNetwork(new IPAddress([127, 0, 0, 0]), 8), new IPNetwork(IPAddress.IPv6Loopback, 128)]);

    public bool Contains(IPAddress address)
    {
        var plain = Plain(address);
        foreach (var network in _networks)
        {
            if (network.Contains(plain))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary><c>10.0.0.0/8</c>, or one address.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPNetwork? network)
    {
        network = null;
        if (IPNetwork.TryParse(text, out var parsed))
        {
            network = parsed;
        }
        else if (!text.Contains('/', StringComparison.Ordinal) && IPAddress.TryParse(text, out var address))
        {
            var plain = Plain(address);
            network = new IPNetwork(plain, plain.GetAddressBytes().Length * 8);
        }

        return network is not null;
    }

    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
