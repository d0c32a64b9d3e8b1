using MailGrains.Grains.Relay.Routing;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Tests.Configuration;

public sealed class RelaySettingsTests
{
    [Fact]
    public void Without_any_setting_mail_goes_by_mx_to_port_25_of_the_world()
    {
        var settings = Read(("HostName", "us.test"));

        Assert.Equal("us.test", settings.Relay.Smtp.HelloName);
        Assert.Equal((25, 25), (settings.Relay.Port, settings.Destinations.Port));
        Assert.False(settings.Destinations.AllowLoopback);
        Assert.Equal(["us.test"], settings.Destinations.OwnHostNames);
        Assert.Null(settings.Relay.Routes.RouteOf("t", "there.test", null));
        Assert.Equal((20, 100), (settings.Limits.Default.Connections, settings.Limits.Default.MessagesPerConnection));
        Assert.Equal(TimeSpan.FromDays(5), settings.Queues.MaxAge);
    }

    [Fact]
    public void Other_servers_can_be_greeted_by_the_name_of_the_address_that_mail_leaves_from()
    {
        var settings = Read(("HostName", "us.test"), ("Relay:HelloName", "Out.us.test"), ("Relay:OwnNames:0", "old.us.test"));

        Assert.Equal("out.us.test", settings.Relay.Smtp.HelloName);
        Assert.Equal(["us.test", "out.us.test", "old.us.test"], settings.Destinations.OwnHostNames);
    }

    [Fact]
    public void A_route_has_hosts_in_order_and_a_login()
    {
        var settings = Read(
            ("Relay:Routes:0:Domain", "*"), ("Relay:Routes:0:Hosts:0", "a.smart.test"), ("Relay:Routes:0:Hosts:1", "b.smart.test"),
            ("Relay:Routes:0:Tls", "implicit"), ("Relay:Routes:0:User", "us"), ("Relay:Routes:0:Password", "secret"), ("Relay:Routes:0:Tenant", "Acme"),
            ("Relay:Routes:1:Domain", "*.Bücher.example"), ("Relay:Routes:1:Action", "reject"), ("Relay:Routes:1:Reason", "no"));

        var route = settings.Relay.Routes.RouteOf("acme", "there.test", null)!;
        Assert.Equal(["a.smart.test", "b.smart.test"], route.Hosts);
        Assert.Equal((465, RouteTls.Implicit, "us", "secret"), (route.Port, route.Tls, route.User, route.Password));
        Assert.DoesNotContain("secret", route.ToString(), StringComparison.Ordinal);
        Assert.Equal(RouteAction.Reject, settings.Relay.Routes.RouteOf("other", "a.xn--bcher-kva.example", null)!.Action);
    }

    [Fact]
    public void A_route_that_says_neither_which_mail_nor_where_is_none()
    {
        var settings = Read(
            ("Relay:Routes:0:Host", ""), ("Relay:Routes:0:Port", "587"), ("Relay:Routes:0:Tls", "verified"), ("Relay:Routes:0:User", ""),
            ("Relay:Routes:0:Password", "secret"), ("Relay:Routes:1:Host", "next.test"), ("Relay:Routes:1:Domain", "there.test"));

        Assert.Null(settings.Relay.Routes.RouteOf("t", "elsewhere.test", null));
        Assert.Equal(["next.test"], settings.Relay.Routes.RouteOf("t", "there.test", null)!.Hosts);
    }

    [Fact]
    public void A_route_without_a_domain_is_for_all_mail()
    {
        var settings = Read(
            ("Relay:Routes:0:Host", "smart.test"), ("Relay:Routes:0:Port", "587"), ("Relay:Routes:0:Tls", "verified"), ("Relay:Routes:0:User", "us"),
            ("Relay:Routes:0:Password", "secret"));

        var route = settings.Relay.Routes.RouteOf("t", "elsewhere.test", null)!;
        Assert.Equal(["smart.test"], route.Hosts);
        Assert.Equal((587, RouteTls.Verified, "us", "secret"), (route.Port, route.Tls, route.User, route.Password));
    }

    [Theory]
    [InlineData("verified", "465", RouteTls.Implicit)]
    [InlineData("verified", "587", RouteTls.Verified)]
    [InlineData("none", "465", RouteTls.None)]
    public void On_port_465_verified_TLS_is_there_from_the_first_octet(string tls, string port, RouteTls expected)
    {
        var settings = Read(("Relay:Routes:0:Host", "smart.test"), ("Relay:Routes:0:Port", port), ("Relay:Routes:0:Tls", tls));

        Assert.Equal(expected, settings.Relay.Routes.RouteOf("t", "elsewhere.test", null)!.Tls);
    }

    [Fact]
    public void Sites_have_limits_and_source_addresses_of_their_own()
    {
        var settings = Read(
            ("Relay:Limits:Connections", "5"), ("Relay:Sites:0:Site", "*.big.test"), ("Relay:Sites:0:Connections", "50"), ("Relay:Sites:0:Messages", "1000"),
            ("Relay:Sources:0:Tenant", "acme"), ("Relay:Sources:0:Addresses:0", "192.0.2.1"));

        Assert.Equal(5, settings.Limits.LimitsOf("mx.other.test").Connections);
        Assert.Equal((50, 1000), (settings.Limits.LimitsOf("mx.big.test").Connections, settings.Limits.LimitsOf("mx.big.test").Messages));
        Assert.Equal(["192.0.2.1"], settings.Limits.SourcesOf("mx.other.test", "acme"));
    }

    [Theory]
    [InlineData("Relay:Routes:0:Domain", "not a domain")]
    [InlineData("Relay:Routes:0:Domain", "only.a.domain.test")]
    [InlineData("Relay:Routes:0:Tenant", "only-a-tenant")]
    [InlineData("Relay:Limits:Connections", "0")]
    [InlineData("Relay:Sources:0:Addresses:0", "no address")]
    [InlineData("Relay:Port", "0")]
    [InlineData("Queues:RetryAfter:0", "00:00:00")]
    public void What_can_not_be_used_ends_the_start_with_its_name(string name, string value)
    {
        var failure = Assert.Throws<SettingsException>(() => Read((name, value)));
        Assert.Contains("MailGrains:" + name.Split(':')[0], failure.Message, StringComparison.Ordinal);
    }

    private static RelaySettings Read(params (string Name, string Value)[] values) => HostSettings.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(v => KeyValuePair.Create<string, string?>($"MailGrains:{v.Name}", v.Value))).Build()).Relay;
}
