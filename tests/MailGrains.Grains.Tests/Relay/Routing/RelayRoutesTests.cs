using MailGrains.Grains.Relay.Routing;

namespace MailGrains.Grains.Tests.Relay.Routing;

public sealed class RelayRoutesTests
{
    private static readonly RelayRoutes Routes = new(
    [
        Route("*", "all"),
        Route("*.example.com", "below"),
        Route("*.mail.example.com", "deep"),
        Route("example.com", "exact"),
        Route("*", "all of news", sender: "news.test"),
        Route("example.com", "exact of news", sender: "news.test"),
        Route("*.test", "of acme", tenant: "acme"),
    ]);

    [Theory]
    [InlineData("other.org", "all")]
    [InlineData("example.com", "exact")]
    [InlineData("a.example.com", "below")]
    [InlineData("a.b.example.com", "below")]
    [InlineData("a.mail.example.com", "deep")]
    [InlineData("notexample.com", "all")]
    [InlineData("[192.0.2.1]", "all")]
    public void LongestMatchWins(string domain, string expected) => Assert.Equal(expected, Routes.RouteOf("t", domain, "us.test")!.Reason);

    [Theory]
    [InlineData("example.com", "exact of news")]
    [InlineData("a.example.com", "below")]
    [InlineData("other.org", "all of news")]
    public void SenderCountsAmongRoutesOfOneDomain(string domain, string expected) => Assert.Equal(expected, Routes.RouteOf("t", domain, "news.test")!.Reason);

    [Fact]
    public void NullReversePathIsOfNoSendersDomain() => Assert.Equal("all", Routes.RouteOf("t", "other.org", null)!.Reason);

    [Theory]
    [InlineData("acme", "there.test", "of acme")]
    [InlineData("acme", "there.org", "all")]
    [InlineData("other", "there.test", "all")]
    public void TenantsOwnGoesFirst(string tenant, string domain, string expected) => Assert.Equal(expected, Routes.RouteOf(tenant, domain, null)!.Reason);

    [Fact]
    public void WithoutRoutesDnsSays() => Assert.Null(RelayRoutes.None.RouteOf("t", "example.com", null));

    [Fact]
    public void TwoRoutesForTheSameMailAreRefused() =>
        Assert.Throws<ArgumentException>(() => new RelayRoutes([Route("a.test", "one"), Route("a.test", "two")]));

    private static RelayRoute Route(string domain, string name, string? sender = null, string? tenant = null) =>
        new(domain) { Reason = name, Sender = sender, Tenant = tenant, Hosts = ["192.0.2.1"] };
}
