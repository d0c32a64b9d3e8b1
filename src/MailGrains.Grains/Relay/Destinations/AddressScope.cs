using System.Net;
using System.Net.Sockets;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>What a name in somebody else's zone may lead to.</summary>
internal static class AddressScope
{
    private static readonly IPNetwork[] NeverAServer = Networks("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fe80::/10", "ff00::/8");

    // RFC 6890 and its registries; what leads through a translator counts as what it leads to.
    private static readonly IPNetwork[] NotPublic = Networks(
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
        "fc00::/7", "fec0::/10");

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>Whether mail may be sent there because an MX says so: no multicast, nothing that names this network's neighbours.</summary>
    public static bool IsMailServer(IPAddress address, bool allowLoopback) =>
        !Contains(NeverAServer, address) && (allowLoopback || !IPAddress.IsLoopback(address));

    /// <summary>
    /// Whether anybody may have this server connect there: nothing of this machine or its network (cloud metadata at 169.254.169.254 included), whatever
    /// form the address has.
    /// </summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = Plain(address);
        if (plain.AddressFamily == AddressFamily.InterNetworkV6)
        {
            var bytes = plain.GetAddressBytes();
            if (Nat64.Contains(plain))
            {
                return IsPublic(new IPAddress(bytes.AsSpan(12)));
            }

            if (SixToFour.Contains(plain))
            {
                return IsPublic(new IPAddress(bytes.AsSpan(2, 4)));
            }
        }

        return !Contains(NeverAServer, plain) && !Contains(NotPublic, plain);
    }

    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static bool Contains(IPNetwork[] networks, IPAddress address)
    {
        foreach (var network in networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private static IPNetwork[] Networks(params string[] networks) => Array.ConvertAll(networks, network => IPNetwork.Parse(network));
}
