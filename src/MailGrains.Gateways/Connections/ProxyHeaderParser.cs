using System.Buffers;

namespace MailGrains.Gateways.Connections;

internal enum ProxyParse
{
    /// <summary>What has come may be the start of a header.</summary>
    NeedMore,

    /// <summary>It can't become a header any more.</summary>
    Invalid,

    Done,
}

/// <summary>The PROXY protocol (haproxy's proxy-protocol.txt), versions 1 and 2. Nothing behind the header is looked at.</summary>
internal static class ProxyHeaderParser
{
    /// <summary>Of a header as a whole; version 1 has its own, smaller bound.</summary>
    public const int MaxHeaderBytes = 4096;

    /// <param name="length">Of the header, where it is done.</param>
    public static ProxyParse Parse(ReadOnlySequence<byte> arrived, out ProxyHeader? header, out int length)
    {
        (header, length) = (null, 0);
        Span<byte> copy = stackalloc byte[(int)Math.Min(arrived.Length, MaxHeaderBytes)];
        arrived.Slice(0, copy.Length).CopyTo(copy);
        if (copy.IsEmpty)
        {
            return ProxyParse.NeedMore;
        }

        return copy[0] == ProxyHeaderV2.Signature[0]
            ? ProxyHeaderV2.Parse(copy, out header, out length)
            : ProxyHeaderV1.Parse(copy, out header, out length);
    }

    /// <summary>What has come of a fixed start is that start.</summary>
    public static bool Begins(ReadOnlySpan<byte> arrived, ReadOnlySpan<byte> start) =>
        arrived.Length < start.Length ? start.StartsWith(arrived) : arrived.StartsWith(start);
}
