using System.Net;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Tests.Configuration;

public sealed class ConnectionSettingsTests
{
    [Fact]
    public void Without_any_setting_loopback_is_trusted_and_no_proxy_is_known()
    {
        var options = Read();

        Assert.True(options.TrustedNetworks.Contains(IPAddress.Parse("127.0.0.2")));
        Assert.True(options.TrustedNetworks.Contains(IPAddress.IPv6Loopback));
        Assert.False(options.TrustedNetworks.Contains(IPAddress.Parse("10.0.0.1")));
        Assert.False(options.ProxyNetworks.Contains(IPAddress.Loopback));
        Assert.Equal(new AddressLimits(), options.Limits);
    }

    [Theory]
    [InlineData("Smtp:TrustedNetworks")]
    [InlineData("Smtp:TrustedNetworks:0")]
    public void An_empty_list_trusts_nobody(string name)
    {
        Assert.False(Read((name, "")).TrustedNetworks.Contains(IPAddress.Loopback));
    }

    [Fact]
    public void Networks_and_single_addresses_are_a_list()
    {
        var options = Read(("Proxy:Networks:0", "10.0.0.0/8"), ("Proxy:Networks:1", "2001:db8::1"));

        Assert.True(options.ProxyNetworks.Contains(IPAddress.Parse("10.255.0.1")));
        Assert.True(options.ProxyNetworks.Contains(IPAddress.Parse("::ffff:10.255.0.1")));
        Assert.True(options.ProxyNetworks.Contains(IPAddress.Parse("2001:db8::1")));
        Assert.False(options.ProxyNetworks.Contains(IPAddress.Parse("2001:db8::2")));
    }

    [Fact]
    public void Limits_are_read_by_name()
    {
        Assert.Equal(
            new AddressLimits { Connections = 1, NewConnectionsPerMinute = 2, MessagesPerMinute = 3, RecipientsPerMinute = 0, FailedRecipientsPerMinute = 5 },
            Read(
                ("Smtp:Limits:Connections", "1"), ("Smtp:Limits:NewConnectionsPerMinute", "2"), ("Smtp:Limits:MessagesPerMinute", "3"),
                ("Smtp:Limits:RecipientsPerMinute", "0"), ("Smtp:Limits:FailedRecipientsPerMinute", "5")).Limits);
    }

    [Fact]
    public void Block_lists_have_a_zone_and_the_answers_that_count()
    {
        var zones = Read(
            ("Smtp:Dnsbl:Zones:0:Zone", "List.Example."), ("Smtp:Dnsbl:Zones:1:Zone", "other.example"),
            ("Smtp:Dnsbl:Zones:1:Codes:0", "127.0.0.2"), ("Smtp:Dnsbl:Zones:1:Codes:1", "127.0.0.4-127.0.0.7")).DnsblZones;

        Assert.Equal(["list.example", "other.example"], zones.Select(z => z.Zone));
        Assert.Empty(zones[0].Codes);
        Assert.Equal([new DnsblCodes(0x7F000002, 0x7F000002), new DnsblCodes(0x7F000004, 0x7F000007)], zones[1].Codes);
        Assert.Empty(Read().DnsblZones);
    }

    [Fact]
    public void Resolvers_are_addresses_with_a_port_or_without()
    {
        Assert.Equal(
            [new IPEndPoint(IPAddress.Loopback, 5353), new IPEndPoint(IPAddress.IPv6Loopback, 53)],
            Read(("Dns:Servers:0", "127.0.0.1:5353"), ("Dns:Servers:1", "::1")).DnsServers);
    }

    [Theory]
    [InlineData("Smtp:Dnsbl:Zones:0:Zone", "not a name")]
    [InlineData("Smtp:Dnsbl:Zones:0:Codes:0", "127.0.0.2")]
    public void A_block_list_without_a_zone_is_named(string name, string value)
    {
        var failure = Assert.Throws<SettingsException>(() => Read((name, value)));

        Assert.Contains("MailGrains:Smtp:Dnsbl:Zones:0:Zone", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("127.0.0.7-127.0.0.4")]
    [InlineData("127.0.0.1-2")]
    public void Answers_of_a_block_list_are_addresses_of_loopback(string codes)
    {
        var failure = Assert.Throws<SettingsException>(
            () => Read(("Smtp:Dnsbl:Zones:0:Zone", "list.example"), ("Smtp:Dnsbl:Zones:0:Codes:0", codes)));

        Assert.Contains(codes, failure.Message, StringComparison.Ordinal);
    }

    private static ConnectionOptions Read(params (string Name, string Value)[] settings) => ConnectionSettings.Read(new SettingsReader(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"MailGrains:{s.Name}", (string?)s.Value)))
            .Build()));
}
