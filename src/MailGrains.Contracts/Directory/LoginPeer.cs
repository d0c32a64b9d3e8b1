using System.Net;
using System.Net.Sockets;

namespace MailGrains.Contracts.Directory;

/// <summary>What failed logins are counted by: <see cref="LoginAttempt.Peer"/>, the key of <see cref="ILoginSourceGrain"/>.</summary>
public static class LoginPeer
{
    private const int NetworkBytes = 8;

    /// <summary>
    /// <c>192.0.2.1</c>; for IPv6 the network of 64 bits, which one client often has as a whole: <c>2001:db8::/64</c>. An IPv4 address that is mapped into
    /// IPv6 counts as IPv4.
    /// </summary>
    public static string Of(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetworkV6
            ? $"{new IPAddress([.. plain.GetAddressBytes()[..NetworkBytes], .. new byte[NetworkBytes]])}/64"
            : plain.ToString();
    }
}
