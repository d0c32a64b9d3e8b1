using System.Net;
using System.Text;

namespace MailGrains.Testing.Dns;

/// <summary>RFC 1035 §4.1.1.</summary>
public enum DnsCode
{
    NoError = 0,
    ServFail = 2,
    NxDomain = 3,
    Refused = 5,
}

/// <summary>RFC 1035 §3.2.2, RFC 3596, RFC 6698.</summary>
public enum DnsType : ushort
{
    A = 1,
    Cname = 5,
    Soa = 6,
    Ptr = 12,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    Tlsa = 52,
}

/// <param name="Data">As it goes over the wire.</param>
internal sealed record DnsRecord(DnsType Type, byte[] Data, int TimeToLive)
{
    private const int MaxTextBytes = 255;

    /// <summary>From the form of zone files: <c>10 mx.example.test</c>, <c>3 1 1 abcd…</c>; a TXT's text as it is; of a SOA the minimum alone.</summary>
    public static DnsRecord Of(DnsType type, string text, int timeToLive) => new(type, DataOf(type, text), timeToLive);

    private static byte[] DataOf(DnsType type, string text) => type switch
    {
        DnsType.A or DnsType.Aaaa => IPAddress.Parse(text).GetAddressBytes(),
        DnsType.Cname or DnsType.Ptr => Name(text),
        DnsType.Mx => [.. BigEndian(ushort.Parse(text.Split(' ')[0], null)), .. Name(text.Split(' ')[1])],
        DnsType.Txt => [.. Encoding.Latin1.GetBytes(text).Chunk(MaxTextBytes).SelectMany(c => (byte[])[(byte)c.Length, .. c])],
        DnsType.Tlsa => [.. text.Split(' ')[..3].Select(n => byte.Parse(n, null)), .. Convert.FromHexString(text.Split(' ')[3])],
        DnsType.Soa => [.. Name("ns.test"), .. Name("hostmaster.test"), .. new byte[16], .. BigEndian(int.Parse(text, null) >> 16), .. BigEndian(int.Parse(text, null))],
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Not compressed; <c>.</c> or nothing is the root (a null MX).</summary>
    public static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0];

    public static byte[] BigEndian(int number) => [(byte)(number >> 8), (byte)number];
}

/// <summary>A question as it arrived.</summary>
/// <param name="Name">Lower case, without the last dot.</param>
public readonly record struct DnsQuestion(string Name, DnsType Type, bool OverTcp);
