using System.Net;
using MailGrains.Gateways.Connections;
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

    private static ConnectionOptions Read(params (string Name, string Value)[] settings) => ConnectionSettings.Read(new SettingsReader(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"MailGrains:{s.Name}", (string?)s.Value)))
            .Build()));
}
