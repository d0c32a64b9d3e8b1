using MailGrains.Grains.Relay.Destinations;
using MailGrains.Testing.Dns;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class DaneTests : IAsyncDisposable
{
    private const string Tlsa = "_25._tcp.mx.one.test";
    private static readonly string Digest = new('a', 64);

    private readonly LookupHarness _to = new();

    public DaneTests()
    {
        _to.Options = _to.Options with { TrustAuthenticatedData = true };
        _to.AddDomain("one.test");
    }

    public ValueTask DisposeAsync() => _to.DisposeAsync();

    private async Task<TlsRequirement> TlsAsync() => Assert.Single((await _to.FindAsync("one.test")).Hosts).Tls;

    private int TlsaQuestions => _to.Dns.Asked.Count(question => question.Type == DnsType.Tlsa);

    [Fact]
    public async Task ASignedRecordIsARequirement()
    {
        _to.Dns.Sign("one.test");
        _to.Dns.Add(Tlsa, DnsType.Tlsa, $"3 1 1 {Digest}");

        var tls = await TlsAsync();

        Assert.Equal((TlsLevel.Dane, "mx.one.test"), (tls.Level, tls.ServerName));
        Assert.Equal($"3 1 1 {Digest}", Assert.Single(tls.Associations).ToString());
        Assert.Equal(["mx.one.test", "one.test"], tls.ReferenceNames);
        Assert.Equal((TlsPolicyType.Tlsa, "mx.one.test"), (tls.Policy.Type, tls.Policy.Domain));
        Assert.True((await _to.FindAsync("one.test")).Hosts[0].IsNameProven);
    }

    [Fact]
    public async Task WithoutTrustInTheResolverNothingIsAskedFor()
    {
        _to.Options = _to.Options with { TrustAuthenticatedData = false };
        _to.Dns.Sign("one.test");
        _to.Dns.Add(Tlsa, DnsType.Tlsa, $"3 1 1 {Digest}");

        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
        Assert.False((await _to.FindAsync("one.test")).Hosts[0].IsNameProven);
        Assert.Equal(0, TlsaQuestions);
    }

    [Theory]
    [InlineData("one.test", "mx.one.test")]
    [InlineData("mx.one.test", Tlsa)]
    [InlineData(Tlsa, null)]
    public async Task ARecordCountsOnlyWhereItAndAllThatLeadsToItIsSigned(string unsigned, string? signedBelow)
    {
        _to.Dns.Sign("test");
        _to.Dns.Sign(unsigned, signed: false);
        if (signedBelow is not null)
        {
            _to.Dns.Sign(signedBelow);
        }

        _to.Dns.Add(Tlsa, DnsType.Tlsa, $"3 1 1 {Digest}");

        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
    }

    [Fact]
    public async Task OfAHostWhoseAddressesAreNotSignedNothingIsAskedFor()
    {
        _to.Dns.Add("two.test", DnsType.Mx, "10 mx.plain.test");
        _to.Dns.Add("mx.plain.test", DnsType.A, "192.0.2.1");
        _to.Dns.Sign("two.test");
        _to.Dns.Fail("_25._tcp.mx.plain.test");

        Assert.Equal(TlsLevel.Opportunistic, Assert.Single((await _to.FindAsync("two.test")).Hosts).Tls.Level);
        Assert.Equal(0, TlsaQuestions);
    }

    [Fact]
    public async Task ASignedAbsenceIsNoRequirement()
    {
        _to.Dns.Sign("one.test");

        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
        Assert.Equal(1, TlsaQuestions);
    }

    [Fact]
    public async Task AHostWhoseRecordsCannotBeKnownIsNotUsed()
    {
        _to.Dns.Sign("one.test");
        _to.Dns.Fail(Tlsa);

        Assert.Equal("temporary 451 4.7.5 TlsPolicy", await _to.FailureAsync("one.test"));

        _to.Dns.Add("two.test", DnsType.Mx, "10 mx.one.test");
        _to.Dns.Add("two.test", DnsType.Mx, "20 mx.two.test");
        _to.Dns.Add("mx.two.test", DnsType.A, "192.0.2.2");
        _to.Dns.Sign("two.test");
        Assert.Equal("mx.two.test", await _to.NamesAsync("two.test"));
    }

    [Fact]
    public async Task WithoutPoliciesItIsUsedAllTheSame()
    {
        _to.Dns.Sign("one.test");
        _to.Dns.Fail(Tlsa);

        var destination = await _to.Lookup.FindWithoutPoliciesAsync("one.test", TestContext.Current.CancellationToken);

        Assert.Equal(TlsRequirement.Opportunistic, Assert.Single(destination.Hosts).Tls);
    }

    [Theory]
    [InlineData("0 1 1 {0}")]
    [InlineData("1 0 1 {0}")]
    [InlineData("4 1 1 {0}")]
    [InlineData("255 1 1 {0}")]
    [InlineData("3 2 1 {0}")]
    [InlineData("3 1 3 {0}")]
    [InlineData("3 1 2 {0}")]
    [InlineData("3 1 1 AB")]
    [InlineData("3 1 0 ")]
    public async Task RecordsThatCannotBeUsedStillWantTls(string record)
    {
        _to.Dns.Sign("one.test");
        _to.Dns.Add(Tlsa, DnsType.Tlsa, record.Replace("{0}", Digest, StringComparison.Ordinal));

        var tls = await TlsAsync();

        Assert.Equal(TlsLevel.Required, tls.Level);
        Assert.Empty(tls.Associations);
    }

    [Fact]
    public async Task OfTwoDigestsOfOneThingTheStrongerCounts()
    {
        var strong = new string('b', 128);
        _to.Dns.Sign("one.test");
        foreach (var record in new[] { $"3 1 1 {Digest}", $"3 1 2 {strong}", $"3 0 1 {Digest}", $"2 1 1 {Digest}", "0 1 1 " + Digest })
        {
            _to.Dns.Add(Tlsa, DnsType.Tlsa, record);
        }

        Assert.Equal([$"3 1 2 {strong}", $"3 0 1 {Digest}", $"2 1 1 {Digest}"], (await TlsAsync()).Associations.Select(a => a.ToString()));
    }

    [Theory]
    [InlineData("_25._tcp.host.two.test", "host.two.test")]
    [InlineData(Tlsa, "mx.one.test")]
    public async Task AHostThatIsAnAliasHasRecordsAtEitherName(string owner, string baseName)
    {
        AddAlias();
        _to.Dns.Sign("one.test");
        _to.Dns.Sign("two.test");
        _to.Dns.Add(owner, DnsType.Tlsa, $"2 1 1 {Digest}");

        var tls = await TlsAsync();

        Assert.Equal((TlsLevel.Dane, baseName), (tls.Level, tls.ServerName));
        Assert.Equal([baseName, "one.test"], tls.ReferenceNames);
    }

    [Fact]
    public async Task ASignedAliasIsEnoughForRecordsAtItsOwnName()
    {
        AddAlias();
        _to.Dns.Sign("one.test");
        _to.Dns.Add(Tlsa, DnsType.Tlsa, $"3 1 1 {Digest}");
        _to.Dns.Add("_25._tcp.host.two.test", DnsType.Tlsa, $"3 0 1 {Digest}");

        Assert.Equal($"3 1 1 {Digest}", Assert.Single((await TlsAsync()).Associations).ToString());
    }

    [Fact]
    public async Task ADomainThatIsAnAliasIsAReferenceByBothItsNames()
    {
        _to.Dns.Sign("test");
        _to.Dns.Add("alias.test", DnsType.Cname, "one.test");
        _to.Dns.Add(Tlsa, DnsType.Tlsa, $"2 1 1 {Digest}");

        Assert.Equal(["mx.one.test", "alias.test", "one.test"], (await _to.FindAsync("alias.test")).Hosts[0].Tls.ReferenceNames);
    }

    [Fact]
    public async Task AHostOfARouteHasTheRecordsOfItsPort()
    {
        _to.Dns.Sign("test");
        _to.Dns.Add("_587._tcp.mx.one.test", DnsType.Tlsa, $"3 1 1 {Digest}");

        var host = Assert.Single((await _to.Lookup.FindHostAsync("mx.one.test", 587, TestContext.Current.CancellationToken)).Hosts);

        Assert.Equal(TlsLevel.Dane, host.Tls.Level);
    }

    private void AddAlias()
    {
        _to.Dns.Remove("mx.one.test");
        _to.Dns.Add("mx.one.test", DnsType.Cname, "host.two.test");
        _to.Dns.Add("host.two.test", DnsType.A, "192.0.2.1");
    }
}
