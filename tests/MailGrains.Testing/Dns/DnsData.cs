using System.Net;
using System.Text;

namespace MailGrains.Testing.Dns;

/// <summary>RFC 1035 §3.2.2, RFC 3596, RFC 6698.</summary>
public enum DnsType : ushort
{
    A = 1,
    Cname = 5,
    Ptr = 12,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    Tlsa = 52,
}

/// <param name="Data">As it goes over the wire.</param>
internal sealed record DnsRecord(DnsType Type, byte[] Data)
{
    private const int MaxTextBytes = 255;

    /// <summary>From the form of zone files: <c>10 mx.example.test</c>, <c>3 1 1 abcd…</c>; a TXT's text as it is.</summary>
    public static DnsRecord Of(DnsType type, string text) => new(type, type switch
    {
        DnsType.A or DnsType.Aaaa => IPAddress.Parse(text).GetAddressBytes(),
        DnsType.Cname or DnsType.Ptr => Name(text),
        DnsType.Mx => [.. BigEndian(ushort.Parse(text.Split(' ')[0], null)), .. Name(text.Split(' ')[1])],
        DnsType.Txt => [.. Encoding.Latin1.GetBytes(text).Chunk(MaxTextBytes).SelectMany(c => (byte[])[(byte)c.Length, .. c])],
        DnsType.Tlsa => [.. text.Split(' ')[..3].Select(n => byte.Parse(n, null)), .. Convert.FromHexString(text.Split(' ')[3])],
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    });

    /// <summary>Not compressed; <c>.</c> or nothing is the root (a null MX).</summary>
    public static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0];

    public static byte[] BigEndian(int number) => [(byte)(number >> 8), (byte)number];
}

/// <summary>A question as it arrived.</summary>
/// <param name="Name">Lower case, without the last dot.</param>
public readonly record struct DnsQuestion(string Name, DnsType Type, bool OverTcp);
