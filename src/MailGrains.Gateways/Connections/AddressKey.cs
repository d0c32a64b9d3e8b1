using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Gateways.Connections;

/// <summary>What shares a budget: an IPv4 address, or a network of 64 bits of IPv6, which one client often has as a whole.</summary>
internal readonly record struct AddressKey(ulong Bits, bool IsIPv6)
{
    public static AddressKey Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        var plain = NetworkList.Plain(address);
        plain.TryWriteBytes(bytes, out _);
        return plain.AddressFamily == AddressFamily.InterNetworkV6
            ? new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), true)
            : new AddressKey(BinaryPrimitives.ReadUInt32BigEndian(bytes), false);
    }

    /// <summary><c>192.0.2.1</c> or <c>2001:db8::/64</c>.</summary>
    public override string ToString()
    {
        if (!IsIPv6)
        {
            return new IPAddress([(byte)(Bits >> 24), (byte)(Bits >> 16), (byte)(Bits >> 8), (byte)Bits]).ToString();
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Bits);
        bytes[8..].Clear();
        return $"{new IPAddress(bytes)}/64";
    }
}
