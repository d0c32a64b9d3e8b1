using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace MailGrains.Gateways.Connections.Lookups;

/// <summary>A block list in DNS (RFC 5782).</summary>
/// <param name="Codes">The answers that count; empty: all of 127.0.0.0/8 but the errors in 127.255.255.0/24.</param>
public sealed record DnsblZone(string Zone, IReadOnlyList<DnsblCodes> Codes)
{
    private const uint Errors = 0x7FFF_FF00;

    internal static bool IsError(IPAddress code) => DnsblCodes.Number(code) >= Errors && IPAddress.IsLoopback(code);

    internal bool Lists(IPAddress code) =>
        IPAddress.IsLoopback(code) && !IsError(code) && (Codes.Count == 0 || Codes.Any(c => c.Contains(code)));
}

/// <summary>Answers of a list, from one to another, both included.</summary>
public readonly record struct DnsblCodes(uint First, uint Last)
{
    /// <summary><c>127.0.0.2</c> or <c>127.0.0.4-127.0.0.7</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DnsblCodes? codes)
    {
        var ends = text.Split('-', StringSplitOptions.TrimEntries);
        codes = ends.Length <= 2 && TryParseCode(ends[0], out var first) && TryParseCode(ends[^1], out var last) && first <= last
            ? new DnsblCodes(first, last)
            : null;
        return codes is not null;
    }

    public bool Contains(IPAddress code) => Number(code) is var number && number >= First && number <= Last;

    internal static uint Number(IPAddress code) => BinaryPrimitives.ReadUInt32BigEndian(code.GetAddressBytes());

    private static bool TryParseCode(string text, out uint code)
    {
        code = 0;
        if (!IPAddress.TryParse(text, out var address) || address.ToString() != text || !text.StartsWith("127.", StringComparison.Ordinal))
        {
            return false;
        }

        code = Number(address);
        return true;
    }
}

/// <param name="Code">The answer that counted.</param>
/// <param name="Text">What the list says of it: printable ASCII, at most 200 characters; null where it says nothing.</param>
public sealed record DnsblListing(string Zone, IPAddress Code, string? Text);
