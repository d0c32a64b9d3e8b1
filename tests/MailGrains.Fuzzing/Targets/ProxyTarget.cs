using System.Buffers;
using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Gateways.Connections;

namespace MailGrains.Fuzzing.Targets;

/// <summary>The PROXY header: whatever has come of one that is good is the start of one, and what follows it changes nothing.</summary>
internal static class ProxyTarget
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";

    public static FuzzTarget Target { get; } = new(
        "proxy",
        Octets.All(
            "PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\nEHLO", "PROXY TCP6 2001:db8::1 2001:db8::2 40000 25\r\n", "PROXY UNKNOWN\r\n", "PROXY UNKNOWN a b c\r\n",
            Signature + "\u0021\u0011\0\u000C\u00C0\0\u0002\u0001\u00C6\u0033\u0064\u0001\u009C\u0040\0\u0019",
            Signature + "\u0021\u0021\0\u0024" + new string('\u0020', 36), Signature + "\u0020\0\0\0", Signature + "\u0021\0\0\0",
            Signature + "\u0021\u0011\0\u0010\u00C0\0\u0002\u0001\u00C6\u0033\u0064\u0001\u009C\u0040\0\u0019\u0005\0\u0001x"),
        Octets.All(Signature, "PROXY ", "TCP4 ", "TCP6 ", "UNKNOWN", "192.0.2.1", "::1", " ", "\r\n", "65535", "65536", "00", "\u0003\0\u0004\0\0\0\0", "\u0021\u0011", "\u0021\u0021", "\0\0", "[", "%1", "0x7f"),
        Run);

    private static void Run(byte[] input)
    {
        var (result, header, length) = Parse(input);
        if (result != ProxyParse.Done)
        {
            return;
        }

        Check.That(header is not null && length > 0 && length <= Math.Min(input.Length, ProxyHeaderParser.MaxHeaderBytes), $"a header of {length} octets");
        Check.That(header!.Source is null == header.Destination is null, "half an address");
        for (var bytes = 0; bytes < length; bytes += 1 + (length / 64))
        {
            Check.That(Parse(input.AsMemory(0, bytes)).Result == ProxyParse.NeedMore, $"the first {bytes} octets of a header are none");
        }

        var alone = Parse(input.AsMemory(0, length));
        Check.That(alone.Result == ProxyParse.Done && alone.Length == length && alone.Header == header, "what follows a header changes it");
    }

    private static (ProxyParse Result, ProxyHeader? Header, int Length) Parse(ReadOnlyMemory<byte> arrived)
    {
        var result = ProxyHeaderParser.Parse(new ReadOnlySequence<byte>(arrived), out var header, out var length);
        return (result, header, length);
    }
}
