using System.Net;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Tests.Configuration;

public sealed class HostSettingsTests
{
    [Fact]
    public void Without_any_setting_it_is_the_whole_service_on_loopback()
    {
        var settings = Read();

        Assert.Equal(HostRoles.All, settings.Roles);
        Assert.Equal(new EndpointSettings(Loopback(2525), Loopback(2587), Loopback(2465), Loopback(2110), Loopback(2995), Loopback(8080), null), settings.Endpoints);
        Assert.Equal(StorageProvider.Sqlite, settings.Storage.Provider);
        Assert.Equal(Path.GetFullPath("data"), settings.Storage.Path);
        Assert.False(settings.Storage.Shared);
        Assert.Equal(new ClusterSettings("mailgrains", "mailgrains", IPAddress.Loopback, 11111, 30000), settings.Cluster);
        Assert.Equal(50 * 1024 * 1024, settings.MaxMessageBytes);
        Assert.True(settings.DemoEnabled);
    }

    [Fact]
    public void Nobody_relays_unless_a_network_says_so()
    {
        var settings = Read();
        Assert.False(settings.Connections.RelayNetworks.Contains(IPAddress.Loopback));
        Assert.Equal((null, 1), (settings.RelayTenant, settings.Relay.Queues.Shards));

        settings = Read(("Smtp:RelayNetworks:0", "10.0.0.0/8"), ("Smtp:RelayTenant", "Shops"), ("Queues:Shards", "8"));
        Assert.True(settings.Connections.RelayNetworks.Contains(IPAddress.Parse("10.1.2.3")));
        Assert.Equal(("shops", 8), (settings.RelayTenant, settings.Relay.Queues.Shards));
    }

    [Fact]
    public void Roles_are_a_list_in_any_case()
    {
        Assert.Equal(HostRoles.Gateway | HostRoles.Web, Read(("Roles:0", "Gateway"), ("Roles:1", "web")).Roles);
    }

    [Theory]
    [InlineData("[::1]:25", "[::1]:25")]
    [InlineData("0.0.0.0:0", "0.0.0.0:0")]
    public void A_listener_is_an_address_and_a_port(string value, string expected)
    {
        Assert.Equal(IPEndPoint.Parse(expected), Read(("Endpoints:Smtp", value)).Endpoints.Smtp);
    }

    [Fact]
    public void An_empty_listener_is_off()
    {
        Assert.Null(Read(("Endpoints:Pop3", "")).Endpoints.Pop3);
    }

    [Fact]
    public void The_host_name_becomes_the_one_form_that_names_have()
    {
        Assert.Equal("mx.xn--bcher-kva.example", Read(("HostName", "MX.Bücher.example")).HostName);
    }

    [Theory]
    [InlineData("Roles:0", "gatway")]
    [InlineData("HostName", "not a name")]
    [InlineData("Storage:Provider", "Oracle")]
    [InlineData("Storage:Provider", "7")]
    [InlineData("Storage:Shared", "maybe")]
    [InlineData("Endpoints:Smtp", "25")]
    [InlineData("Endpoints:Smtp", "127.0.0.1")]
    [InlineData("Endpoints:Smtp", "localhost:25")]
    [InlineData("Endpoints:Smtp", "127.0.0.1:65536")]
    [InlineData("Cluster:Address", "somewhere")]
    [InlineData("Cluster:SiloPort", "-1")]
    [InlineData("Cluster:SiloPort", "70000")]
    [InlineData("Smtp:MaxMessageBytes", "1")]
    [InlineData("Demo:Enabled", "1")]
    [InlineData("Smtp:TrustedNetworks:0", "10.0.0.0/33")]
    [InlineData("Dns:Servers:0", "resolver.example")]
    [InlineData("Proxy:Networks:0", "the proxy")]
    [InlineData("Smtp:Limits:Connections", "-1")]
    [InlineData("Smtp:Limits:MessagesPerMinute", "many")]
    [InlineData("Smtp:RelayNetworks:0", "all")]
    [InlineData("Smtp:RelayTenant", "no tenant")]
    [InlineData("Queues:Shards", "0")]
    public void A_value_that_cant_be_used_is_named_with_what_is_expected(string name, string value)
    {
        var failure = Assert.Throws<SettingsException>(() => Read((name, value)));

        Assert.Contains($"MailGrains:{name.Replace(":0", "", StringComparison.Ordinal)} is '{value}'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_leaves_the_silo_its_time_whatever_the_notice_is()
    {
        var standard = Read().Drain;
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(90)), (standard.Notice, standard.Limit));
        Assert.Equal((TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(45)), (standard.SessionTime, standard.SiloTime));

        var roomy = Read(("Drain:Notice", "00:00:15"), ("Drain:Limit", "00:04:00")).Drain;
        Assert.Equal((TimeSpan.FromSeconds(180), TimeSpan.FromSeconds(45)), (roomy.SessionTime, roomy.SiloTime));

        var brief = Read(("Drain:Notice", "00:00:02"), ("Drain:Limit", "00:00:10")).Drain;
        Assert.Equal((TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(4)), (brief.SessionTime, brief.SiloTime));
    }

    [Theory]
    [InlineData("00:01:30", null)]
    [InlineData("00:00:10", "00:00:10")]
    public void A_notice_that_leaves_no_time_to_stop_is_refused(string notice, string? limit)
    {
        var failure = Assert.Throws<SettingsException>(() => Read(("Drain:Notice", notice), ("Drain:Limit", limit ?? "")));

        Assert.Contains($"MailGrains:Drain:Notice is '{notice}'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_are_not_in_the_text_of_settings()
    {
        var settings = Read(("Admin:ApiKey", "topsecret"), ("Demo:Password", "topsecret"));

        Assert.Equal("topsecret", settings.AdminApiKey);
        Assert.DoesNotContain("topsecret", settings.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Srs_keys_are_a_list_and_a_short_one_is_refused_without_being_shown()
    {
        Assert.Empty(Read().SrsKeys);
        Assert.Equal(["a key of some length", "and a former one"], Read(("Srs:Keys:0", "a key of some length"), ("Srs:Keys:1", "and a former one")).SrsKeys);

        var failure = Assert.Throws<SettingsException>(() => Read(("Srs:Keys:0", "a key of some length"), ("Srs:Keys:1", "topsecret")));
        Assert.Contains("MailGrains:Srs:Keys", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", failure.Message, StringComparison.Ordinal);
    }

    private static IPEndPoint Loopback(int port) => new(IPAddress.Loopback, port);

    private static HostSettings Read(params (string Name, string Value)[] settings) => HostSettings.Read(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"MailGrains:{s.Name}", (string?)s.Value)))
            .Build());
}
