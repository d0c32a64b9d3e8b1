using System.Buffers;
using System.Text;
using CsCheck;
using MailGrains.Gateways.Connections;
using static MailGrains.Gateways.Tests.Connections.ProxyHeaders;

namespace MailGrains.Gateways.Tests.Connections;

public sealed class ProxyHeaderParserTests
{
    private static readonly byte[] Four = Addresses("192.0.2.1", "198.51.100.1", 40_000, 25);
    private static readonly byte[] Six = Addresses("2001:db8::1", "2001:db8::2", 40_000, 25);

    public static TheoryData<byte[], string> Valid => new()
    {
        { V1("PROXY TCP4 192.0.2.1 198.51.100.1 40000 25"), "192.0.2.1:40000 198.51.100.1:25" },
        { V1("PROXY TCP6 2001:db8::1 2001:DB8:0:0::2 40000 25"), "[2001:db8::1]:40000 [2001:db8::2]:25" },
        { V1("PROXY UNKNOWN"), " " },
        { V1("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"), " " },
        { V2(Proxy, 0x11, Four), "192.0.2.1:40000 198.51.100.1:25" },
        { V2(Proxy, 0x21, Six), "[2001:db8::1]:40000 [2001:db8::2]:25" },
        { V2(Proxy, 0x11, [.. Four, .. Field(0x02, "mx.test"u8.ToArray()), .. Field(0x04)]), "192.0.2.1:40000 198.51.100.1:25" },
        { V2(Proxy, 0x21, [.. Six, .. Field(0xEE, new byte[4096 - 16 - 36 - 3])]), "[2001:db8::1]:40000 [2001:db8::2]:25" },
        { V2WithChecksum(0x11, Four), "192.0.2.1:40000 198.51.100.1:25" },
        { V2WithChecksum(0x21, [.. Six, .. Field(0x05, 1, 2, 3)]), "[2001:db8::1]:40000 [2001:db8::2]:25" },
        { V2(Local, 0x00), " " },
        { V2(Local, 0x11, Four), " " },
        { V2(Proxy, 0x00), " " },
        { V2(Proxy, 0x00, 1, 2, 3), " " },
        { V2(Proxy, 0x12, Four), " " },
        { V2(Proxy, 0x31, new byte[216]), " " },
    };

    public static TheoryData<byte[]> Invalid =>
    [
        "EHLO client.test\r\n"u8.ToArray(),
        "proxy TCP4 192.0.2.1 198.51.100.1 40000 25\r\n"u8.ToArray(),
        "PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\n"u8.ToArray(),
        V1("PROXY  TCP4 192.0.2.1 198.51.100.1 40000 25"),
        V1("PROXY TCP4 192.0.2.1 198.51.100.1 40000"),
        V1("PROXY TCP4 192.0.2.1 198.51.100.1 40000 25 "),
        V1("PROXY TCP4 192.0.2.1 198.51.100.1 40000 65536"),
        V1("PROXY TCP4 192.0.2.1 198.51.100.1 +1 25"),
        V1("PROXY TCP4 192.0.2 198.51.100.1 40000 25"),
        V1("PROXY TCP4 0300.0.2.1 198.51.100.1 40000 25"),
        V1("PROXY TCP4 2001:db8::1 2001:db8::2 40000 25"),
        V1("PROXY TCP6 192.0.2.1 198.51.100.1 40000 25"),
        V1("PROXY TCP6 [2001:db8::1] 2001:db8::2 40000 25"),
        V1("PROXY TCP6 fe80::1%eth0 2001:db8::2 40000 25"),
        V1("PROXY UDP4 192.0.2.1 198.51.100.1 40000 25"),
        V1("PROXY UNKNOWN " + new string('x', 92)),
        "\r\n\r\n\0\r\nQUIT\r"u8.ToArray(),
        V2(0x11, 0x11, Four),
        V2(0x22, 0x11, Four),
        V2(Proxy, 0x13, Four),
        V2(Proxy, 0x41, Four),
        V2(Proxy, 0x11, Four[..11]),
        V2(Proxy, 0x21, Six[..35]),
        V2(Proxy, 0x11, [.. Four, 0x04, 0]),
        V2(Proxy, 0x11, [.. Four, 0x04, 0, 1]),
        V2(Proxy, 0x11, [.. Four, .. Field(0x03, 1, 2, 3, 4)]),
        V2(Proxy, 0x11, [.. Four, .. Field(0x03, 1, 2)]),
        V2(Proxy, 0x21, [.. Six, .. Field(0xEE, new byte[4096 - 16 - 36 - 3 + 1])]),
    ];

    [Theory]
    [MemberData(nameof(Valid))]
    public void AHeaderIsReadWhereverItIsSplitAndNothingBehindIt(byte[] header, string expected)
    {
        byte[] all = [.. header, .. "PROXY TCP4 EHLO"u8];
        for (var length = 0; length <= all.Length; length++)
        {
            var parse = ProxyHeaderParser.Parse(new ReadOnlySequence<byte>(all, 0, length), out var read, out var consumed);

            Assert.Equal(length < header.Length ? ProxyParse.NeedMore : ProxyParse.Done, parse);
            if (parse == ProxyParse.Done)
            {
                Assert.Equal(header.Length, consumed);
                Assert.Equal(expected, $"{read!.Source} {read.Destination}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void WhatIsNoHeaderIsRefused(byte[] bytes)
    {
        Assert.Equal(ProxyParse.Invalid, ProxyHeaderParser.Parse(new ReadOnlySequence<byte>(bytes), out var header, out _));
        Assert.Null(header);
    }

    [Fact]
    public void NoOctetOfAChecksummedHeaderCanChange()
    {
        var header = V2WithChecksum(0x11, Four);
        for (var i = 16; i < header.Length; i++)
        {
            var changed = (byte[])header.Clone();
            changed[i] ^= 1;

            // A checksum whose type has changed is another field.
            Assert.Equal(i == 28 ? ProxyParse.Done : ProxyParse.Invalid, ProxyHeaderParser.Parse(new ReadOnlySequence<byte>(changed), out _, out _));
        }
    }

    [Fact]
    public void NoInputMakesItThrowOrWaitForMoreThanTheBound()
    {
        string[] starts = ["", "PROXY ", "PROXY TCP4 ", "PROXY TCP6 ", "\r\n\r\n\0\r\nQUIT\n!\u0011", "\r\n\r\n\0\r\nQUIT\n!!", "\r\n\r\n\0\r\nQUIT\n \0"];
        Gen.Select(Gen.Int[0, starts.Length - 1].Select(i => starts[i]), Gen.Byte.Array[0, 200], Gen.Int[0, 5000]).Sample((start, rest, more) =>
        {
            byte[] bytes = [.. Encoding.Latin1.GetBytes(start), .. rest, .. new byte[more]];
            var parse = ProxyHeaderParser.Parse(new ReadOnlySequence<byte>(bytes), out var header, out var length);
            Assert.Equal(parse == ProxyParse.Done, header is not null);
            Assert.True(parse != ProxyParse.Done || length <= bytes.Length);
            Assert.False(parse == ProxyParse.NeedMore && bytes.Length >= ProxyHeaderParser.MaxHeaderBytes);
        });
    }
}
