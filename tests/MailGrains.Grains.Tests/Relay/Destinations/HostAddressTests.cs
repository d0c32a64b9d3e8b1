using System.Net;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Testing.Dns;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class HostAddressTests : IAsyncDisposable
{
    private readonly LookupHarness _to = new();

    public ValueTask DisposeAsync() => _to.DisposeAsync();

    private async Task<string> AddressesAsync(string domain) => string.Join(' ', Assert.Single((await _to.FindAsync(domain)).Hosts).Addresses);

    [Theory]
    [InlineData(true, "2001:db8::1 2001:db8::2 192.0.2.1 192.0.2.2")]
    [InlineData(false, "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2")]
    public async Task BothFamiliesAreUsedAndOneComesFirst(bool preferIPv6, string expected)
    {
        _to.Options = _to.Options with { PreferIPv6 = preferIPv6 };
        _to.Dns.Add("one.test", DnsType.A, "192.0.2.1");
        _to.Dns.Add("one.test", DnsType.A, "192.0.2.2");
        _to.Dns.Add("one.test", DnsType.Aaaa, "2001:db8::1");
        _to.Dns.Add("one.test", DnsType.Aaaa, "2001:db8::2");

        Assert.Equal(expected, await AddressesAsync("one.test"));
    }

    [Fact]
    public async Task OfManyAddressesTenAreUsedOfBothFamilies()
    {
        for (var i = 1; i < 20; i++)
        {
            _to.Dns.Add("one.test", DnsType.A, $"192.0.2.{i}");
            _to.Dns.Add("one.test", DnsType.Aaaa, $"2001:db8::{i}");
        }

        var addresses = (await _to.FindAsync("one.test")).Hosts[0].Addresses;
        Assert.Equal((10, 5), (addresses.Length, addresses.Count(address => address.GetAddressBytes().Length == 4)));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.9.10")]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("169.254.169.254")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("ff02::1")]
    [InlineData("fe80::1")]
    public async Task AnMxDoesNotLeadToThisMachineNorToItsNeighbours(string address)
    {
        _to.Dns.Add("one.test", DnsType.Mx, "10 mx.test");
        _to.Dns.Add("mx.test", address.Contains(':', StringComparison.Ordinal) ? DnsType.Aaaa : DnsType.A, address);

        Assert.Equal("permanent 550 5.4.4 NoHosts", await _to.FailureAsync("one.test"));

        // Nor does an address literal.
        Assert.Equal(
            "permanent 550 5.1.2 NoSuchDomain", await _to.FailureAsync(address.Contains(':', StringComparison.Ordinal) ? $"[IPv6:{address}]" : $"[{address}]"));
    }

    [Fact]
    public async Task LoopbackMayBeAllowed()
    {
        _to.Options = _to.Options with { AllowLoopback = true };
        _to.Dns.Add("one.test", DnsType.A, "127.0.0.1");

        Assert.Equal("127.0.0.1", await AddressesAsync("one.test"));
    }

    [Theory]
    [InlineData("[192.0.2.1]", "192.0.2.1")]
    [InlineData("[IPv6:2001:db8::1]", "2001:db8::1")]
    [InlineData("[ipv6:2001:DB8:0::1]", "2001:db8::1")]
    [InlineData("[IPv6:::ffff:192.0.2.1]", "192.0.2.1")]
    public async Task AnAddressLiteralIsItsOwnHost(string literal, string expected)
    {
        Assert.Equal(expected, await AddressesAsync(literal));
        Assert.Empty(_to.Dns.Asked);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[1]")]
    [InlineData("[192.0.2.01]")]
    [InlineData("[192.0.2.1")]
    [InlineData("[IPv6:192.0.2.1]")]
    [InlineData("[2001:db8::1]")]
    [InlineData("[IPv6:fe80::1%eth0]")]
    [InlineData("[IPv7:2001:db8::1]")]
    public async Task WhatIsNoAddressLiteralIsNoDomainEither(string literal)
    {
        Assert.Equal("permanent 550 5.1.2 NoSuchDomain", await _to.FailureAsync(literal));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("[127.0.0.1]", "127.0.0.1")]
    [InlineData("smart.test", "10.0.0.1 127.0.0.1")]
    public async Task ARouteMayLeadAnywhere(string host, string expected)
    {
        _to.Dns.Add("smart.test", DnsType.Mx, "10 other.test");
        _to.Dns.Add("smart.test", DnsType.A, "10.0.0.1");
        _to.Dns.Add("smart.test", DnsType.A, "127.0.0.1");

        var destination = await _to.Lookup.FindHostAsync(host, 587, TestContext.Current.CancellationToken);

        Assert.Equal(expected, string.Join(' ', Assert.Single(destination.Hosts).Addresses));
    }

    // The table of what anybody's name may have this server connect to.
    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("1.1.1.1", true)]
    [InlineData("172.15.255.255", true)]
    [InlineData("172.32.0.0", true)]
    [InlineData("100.128.0.1", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("64:ff9b::8.8.8.8", true)]
    [InlineData("2002:808:808::1", true)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("100.100.100.200", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.255.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.0.0.192", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("198.18.0.1", false)]
    [InlineData("203.0.113.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("240.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("64:ff9b::127.0.0.1", false)]
    [InlineData("64:ff9b::169.254.169.254", false)]
    [InlineData("64:ff9b:1::1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2002:a9fe:a9fe::", false)]
    [InlineData("2001::1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fe80::1%1", false)]
    [InlineData("fec0::1", false)]
    [InlineData("ff02::1", false)]
    public void OnlyPublicAddressesArePublic(string address, bool isPublic)
    {
        Assert.Equal(isPublic, AddressScope.IsPublic(IPAddress.Parse(address)));
    }
}
