using System.Buffers.Binary;
using System.Net;
using System.Numerics;

namespace MailGrains.Gateways.Connections;

/// <summary>
/// Version 2 (§2.2): signature, version and command, family, length; then the addresses and fields of type, length and value, of which only the
/// checksum concerns us.
/// </summary>
internal static class ProxyHeaderV2
{
    private const int FixedBytes = 16;
    private const int FieldHeadBytes = 3;
    private const byte Local = 0x20;
    private const byte Proxy = 0x21;
    private const byte Tcp4 = 0x11;
    private const byte Tcp6 = 0x21;
    private const byte ChecksumField = 0x03;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    public static ProxyParse Parse(ReadOnlySpan<byte> arrived, out ProxyHeader? header, out int length)
    {
        (header, length) = (null, 0);
        if (!ProxyHeaderParser.Begins(arrived, Signature) || (arrived.Length > 12 && arrived[12] is not (Local or Proxy)))
        {
            return ProxyParse.Invalid;
        }

        if (arrived.Length < FixedBytes)
        {
            return ProxyParse.NeedMore;
        }

        length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(arrived[14..]);
        if (length > ProxyHeaderParser.MaxHeaderBytes)
        {
            return ProxyParse.Invalid;
        }

        if (arrived.Length < length)
        {
            return ProxyParse.NeedMore;
        }

        // LOCAL: the proxy's own connection, such as a health check; the rest is to be discarded.
        header = arrived[12] == Local ? ProxyHeader.WithoutAddress : ParseProxied(arrived[..length]);
        return header is null ? ProxyParse.Invalid : ProxyParse.Done;
    }

    private static ProxyHeader? ParseProxied(ReadOnlySpan<byte> header) => header[13] switch
    {
        Tcp4 => ParseAddresses(header, 4),
        Tcp6 => ParseAddresses(header, 16),

        // UNSPEC, and datagrams and Unix sockets, which count as such where they are not supported.
        0x00 or 0x12 or 0x22 or 0x31 or 0x32 => ProxyHeader.WithoutAddress,
        _ => null,
    };

    private static ProxyHeader? ParseAddresses(ReadOnlySpan<byte> header, int size)
    {
        var block = header[FixedBytes..];
        var addressBytes = (2 * size) + 4;
        if (block.Length < addressBytes || !AreFieldsGood(header, FixedBytes + addressBytes))
        {
            return null;
        }

        var ports = block[(2 * size)..];
        return new ProxyHeader(
            new IPEndPoint(new IPAddress(block[..size]), BinaryPrimitives.ReadUInt16BigEndian(ports)),
            new IPEndPoint(new IPAddress(block.Slice(size, size)), BinaryPrimitives.ReadUInt16BigEndian(ports[2..])));
    }

    private static bool AreFieldsGood(ReadOnlySpan<byte> header, int at)
    {
        while (at < header.Length)
        {
            if (header.Length - at < FieldHeadBytes)
            {
                return false;
            }

            var size = BinaryPrimitives.ReadUInt16BigEndian(header[(at + 1)..]);
            var value = at + FieldHeadBytes;
            if (header.Length - value < size || (header[at] == ChecksumField && !IsChecksumGood(header, value, size)))
            {
                return false;
            }

            at = value + size;
        }

        return true;
    }

    // §2.2.4: CRC-32C of the whole header, its own four octets counted as zero.
    private static bool IsChecksumGood(ReadOnlySpan<byte> header, int at, int size)
    {
        if (size != sizeof(uint))
        {
            return false;
        }

        var crc = uint.MaxValue;
        for (var i = 0; i < header.Length; i++)
        {
            crc = BitOperations.Crc32C(crc, i >= at && i < at + size ? (byte)0 : header[i]);
        }

        return ~crc == BinaryPrimitives.ReadUInt32BigEndian(header[at..]);
    }
}
