using System.Net;
using System.Net.Sockets;
using MailGrains.Gateways.Filters;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Tests.Configuration;

public sealed class FilterSettingsTests
{
    [Fact]
    public void Without_any_setting_there_is_no_filter()
    {
        Assert.Equal(new FilterOptions { Submission = true }, Read());
    }

    [Fact]
    public void A_filter_is_on_where_it_has_an_address_and_each_fails_in_its_own_way()
    {
        var options = Read(("Rspamd:Url", "http://127.0.0.1:11333"), ("Clamd:Address", "/run/clamav/clamd.ctl"), ("Submission", "false"));

        Assert.False(options.Submission);
        Assert.Equal(new Uri("http://127.0.0.1:11333/"), options.Rspamd!.Url);
        Assert.Equal(new FilterLimits(TimeSpan.FromSeconds(10), FilterAction.Accept, 50L << 20), options.Rspamd.Limits);
        Assert.Equal("/run/clamav/clamd.ctl", Assert.IsType<UnixDomainSocketEndPoint>(options.Clamd!.Address).ToString());
        Assert.Equal(new FilterLimits(TimeSpan.FromSeconds(30), FilterAction.Defer, 1024L << 20), options.Clamd.Limits);
    }

    [Fact]
    public void Limits_are_each_filters_own()
    {
        var options = Read(
            ("Rspamd:Url", "http://rspamd.test:11333"), ("Rspamd:Password", "secret"), ("Rspamd:OnFailure", "Defer"), ("Rspamd:Timeout", "00:00:03"),
            ("Clamd:Address", "[::1]:3310"), ("Clamd:OnFailure", "accept"), ("Clamd:MaxBytes", "1000000"));

        Assert.Equal(new FilterLimits(TimeSpan.FromSeconds(3), FilterAction.Defer, 50L << 20), options.Rspamd!.Limits);
        Assert.Equal("secret", options.Rspamd.Password);
        Assert.DoesNotContain("secret", options.ToString(), StringComparison.Ordinal);
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Loopback, 3310), options.Clamd!.Address);
        Assert.Equal(new FilterLimits(TimeSpan.FromSeconds(30), FilterAction.Accept, 1_000_000), options.Clamd.Limits);
        Assert.Equal(new DnsEndPoint("clamd.test", 3310), Read(("Clamd:Address", "clamd.test:3310")).Clamd!.Address);
    }

    [Theory]
    [InlineData("Submission", "maybe")]
    [InlineData("Rspamd:Url", "127.0.0.1:11333")]
    [InlineData("Rspamd:Url", "file:///etc/passwd")]
    [InlineData("Clamd:Address", "clamd.test")]
    [InlineData("Clamd:Address", "clamd.test:0")]
    [InlineData("Clamd:OnFailure", "reject")]
    [InlineData("Clamd:Timeout", "00:00:00")]
    [InlineData("Clamd:Timeout", "30")]
    [InlineData("Clamd:MaxBytes", "1 MB")]
    public void A_wrong_value_is_named(string name, string value)
    {
        var settings = new List<(string, string)> { ("Clamd:Address", "127.0.0.1:3310") };
        settings.RemoveAll(s => s.Item1 == name);
        settings.Add((name, value));

        Assert.Contains($"MailGrains:Filters:{name}", Assert.Throws<SettingsException>(() => Read([.. settings])).Message, StringComparison.Ordinal);
    }

    private static FilterOptions Read(params (string Name, string Value)[] settings) => FilterSettings.Read(new SettingsReader(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"MailGrains:Filters:{s.Name}", (string?)s.Value)))
            .Build()));
}
