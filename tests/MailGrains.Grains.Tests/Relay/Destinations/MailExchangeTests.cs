using MailGrains.Grains.Relay.Destinations;
using MailGrains.Testing.Dns;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class MailExchangeTests : IAsyncDisposable
{
    private readonly LookupHarness _to = new();

    public ValueTask DisposeAsync() => _to.DisposeAsync();

    private void Hosts(params string[] names)
    {
        foreach (var name in names)
        {
            _to.Dns.Add(name, DnsType.A, "192.0.2.1");
        }
    }

    [Fact]
    public async Task TheLowestPreferenceComesFirst()
    {
        Hosts("a.test", "b.test", "c.test");
        _to.Dns.Add("one.test", DnsType.Mx, "20 b.test");
        _to.Dns.Add("one.test", DnsType.Mx, "300 c.test");
        _to.Dns.Add("one.test", DnsType.Mx, "5 A.test");
        _to.Dns.Add("one.test", DnsType.Mx, "30 a.test");

        Assert.Equal("a.test b.test c.test", await _to.NamesAsync("ONE.test."));
        Assert.Equal([5, 20, 300], (await _to.FindAsync("one.test")).Hosts.Select(host => host.Preference));
    }

    [Fact]
    public async Task HostsOfOnePreferenceComeInAnyOrder()
    {
        Hosts("a.test", "b.test", "c.test");
        _to.Dns.Add("one.test", DnsType.Mx, "10 a.test");
        _to.Dns.Add("one.test", DnsType.Mx, "10 b.test");
        _to.Dns.Add("one.test", DnsType.Mx, "20 c.test");

        var orders = new HashSet<string>();
        for (var i = 0; i < 60; i++)
        {
            orders.Add(await _to.NamesAsync("one.test"));
        }

        Assert.Equal(["a.test b.test c.test", "b.test a.test c.test"], orders.Order());
    }

    [Fact]
    public async Task ADomainWithoutMxIsItsOwnHost()
    {
        Hosts("one.test");

        Assert.Equal("one.test", await _to.NamesAsync("one.test"));
    }

    [Fact]
    public async Task AliasesAreFollowedOfDomainsAndOfHosts()
    {
        _to.Dns.Add("alias.test", DnsType.Cname, "one.test");
        _to.Dns.Add("one.test", DnsType.Mx, "10 mx.test");
        _to.Dns.Add("mx.test", DnsType.Cname, "host.test");
        Hosts("host.test");

        Assert.Equal("mx.test", await _to.NamesAsync("alias.test"));
    }

    [Fact]
    public async Task AliasesThatAServerLeavesToItsClientAreFollowedToo()
    {
        _to.Dns.FollowsAliases = false;
        _to.Dns.Add("alias.test", DnsType.Cname, "one.test");
        _to.Dns.Add("one.test", DnsType.Mx, "10 mx.test");
        Hosts("mx.test");

        Assert.Equal("mx.test", await _to.NamesAsync("alias.test"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AliasesInACircleAreAFailureThatMayPass(bool followed)
    {
        _to.Dns.FollowsAliases = followed;
        _to.Dns.Add("one.test", DnsType.Cname, "two.test");
        _to.Dns.Add("two.test", DnsType.Cname, "one.test");

        Assert.Equal("temporary 451 4.4.3 Dns", await _to.FailureAsync("one.test"));
        Assert.True(_to.Dns.Asked.Count < 20);
    }

    [Fact]
    public async Task ANullMxIsFinal()
    {
        _to.Dns.Add("one.test", DnsType.Mx, "0 .");
        _to.Dns.Add("one.test", DnsType.A, "192.0.2.1");

        Assert.Equal("permanent 556 5.1.10 NullMx", await _to.FailureAsync("one.test"));
    }

    [Fact]
    public async Task ANullMxBesideAHostMeansNothing()
    {
        Hosts("mx.test");
        _to.Dns.Add("one.test", DnsType.Mx, "0 .");
        _to.Dns.Add("one.test", DnsType.Mx, "10 mx.test");

        Assert.Equal("mx.test", await _to.NamesAsync("one.test"));
    }

    [Fact]
    public async Task ADomainThatDoesNotExistIsFinal()
    {
        Assert.Equal("permanent 550 5.1.2 NoSuchDomain", await _to.FailureAsync("none.test"));
    }

    [Fact]
    public async Task ADomainWithNeitherMxNorAddressIsFinal()
    {
        _to.Dns.Add("one.test", DnsType.Txt, "nothing else");

        Assert.Equal("permanent 550 5.1.2 NoSuchDomain", await _to.FailureAsync("one.test"));
    }

    [Fact]
    public async Task HostsThatDoNotExistAreFinalToo()
    {
        _to.Dns.Add("one.test", DnsType.Mx, "10 none.test");

        Assert.Equal("permanent 550 5.4.4 NoHosts", await _to.FailureAsync("one.test"));
    }

    [Fact]
    public async Task AHostThatCannotBeKnownNowMakesItTemporary()
    {
        _to.Dns.Add("one.test", DnsType.Mx, "10 none.test");
        _to.Dns.Add("one.test", DnsType.Mx, "20 bad.test");
        _to.Dns.Fail("bad.test");

        Assert.Equal("temporary 451 4.4.3 Dns", await _to.FailureAsync("one.test"));
        Assert.Equal(["none.test", "bad.test"], (await _to.FindAsync("one.test")).Skipped.Select(skipped => skipped.Name));
    }

    [Fact]
    public async Task AnotherHostIsUsedForOneThatCannotBeKnownNow()
    {
        Hosts("good.test");
        _to.Dns.Add("one.test", DnsType.Mx, "10 bad.test");
        _to.Dns.Add("one.test", DnsType.Mx, "20 good.test");
        _to.Dns.Fail("bad.test");

        Assert.Equal("good.test", await _to.NamesAsync("one.test"));
    }

    [Theory]
    [InlineData(DnsCode.ServFail, "SERVFAIL")]
    [InlineData(DnsCode.Refused, "REFUSED")]
    public async Task AnErrorOfTheResolverIsTemporary(DnsCode code, string text)
    {
        _to.Dns.Fail("one.test", code);

        Assert.Equal("temporary 451 4.4.3 Dns", await _to.FailureAsync("one.test"));
        Assert.Equal($"DNS can't be asked for the MX of one.test now: {text}", (await _to.FindAsync("one.test")).Failure!.Text);
    }

    [Fact]
    public async Task AnAnswerThatCannotBeReadIsTemporary()
    {
        _to.AddDomain("one.test");
        _to.Dns.Garble("one.test");

        Assert.Equal("temporary 451 4.4.3 Dns", await _to.FailureAsync("one.test"));
    }

    [Fact]
    public async Task AnAnswerThatDoesNotComeIsTemporary()
    {
        _to.AddDomain("one.test");
        _to.Dns.Hold("one.test");

        var found = _to.FindAsync("one.test");
        await WaitUntilAskedAsync();
        _to.Time.Advance(TimeSpan.FromSeconds(20));

        Assert.Equal("temporary 451 4.4.3 Dns", LookupHarness.Text((await found).Failure));
    }

    [Fact]
    public async Task AnAnswerThatIsCutShortComesOverTcp()
    {
        _to.AddDomain("one.test");
        _to.Dns.Truncate("one.test");

        Assert.Equal("mx.one.test", await _to.NamesAsync("one.test"));
    }

    [Fact]
    public async Task NoMoreThanTwentyHostsAreUsed()
    {
        for (var i = 99; i >= 0; i--)
        {
            Hosts($"mx{i:00}.test");
            _to.Dns.Add("one.test", DnsType.Mx, $"{i} mx{i:00}.test");
        }

        var hosts = (await _to.FindAsync("one.test")).Hosts;
        Assert.Equal((20, "mx00.test", "mx19.test"), (hosts.Length, hosts[0].Name, hosts[^1].Name));
    }

    [Fact]
    public async Task AHostWhoseNameIsNoneIsSkipped()
    {
        _to.Dns.Add("one.test", DnsType.Mx, "10 evil\r\nname.test");

        Assert.Equal("permanent 550 5.4.4 NoHosts", await _to.FailureAsync("one.test"));
        Assert.DoesNotContain('\n', Assert.Single((await _to.FindAsync("one.test")).Skipped).Name);
    }

    [Theory]
    [InlineData("10 a.test,20 us.test,20 b.test,30 c.test", "a.test")]
    [InlineData("10 a.test,10 b.test,20 US.test", "a.test b.test")]
    [InlineData("10 us.test,20 a.test", null)]
    [InlineData("10 a.test,10 us.test", null)]
    [InlineData("5 a.test,10 us.test,20 us2.test", "a.test")]
    public async Task MailNeverGoesToAHostOfOurOwnPreferenceOrWorse(string records, string? expected)
    {
        _to.Options = _to.Options with { OwnHostNames = ["us.test", "us2.test"] };
        Hosts("a.test", "b.test", "c.test", "us.test", "us2.test");
        foreach (var record in records.Split(','))
        {
            _to.Dns.Add("one.test", DnsType.Mx, record);
        }

        if (expected is not null)
        {
            Assert.Equal(expected, string.Join(' ', (await _to.NamesAsync("one.test")).Split(' ').Order()));
            return;
        }

        Assert.Equal("permanent 554 5.4.6 LoopsBack", await _to.FailureAsync("one.test"));
        Assert.Equal("temporary 451 4.4.6 LoopsBack", LookupHarness.Text((await _to.FindAsync("one.test")).Failure!.AsTemporary()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("one..test")]
    [InlineData("-one.test")]
    [InlineData("one_two")]
    [InlineData("one.test\r\n")]
    public async Task WhatIsNoDomainIsNotAskedFor(string domain)
    {
        Assert.Equal("permanent 550 5.1.2 NoSuchDomain", await _to.FailureAsync(domain));
        Assert.Empty(_to.Dns.Asked);
    }

    [Fact]
    public async Task AnInternationalNameIsAskedForByItsALabels()
    {
        _to.AddDomain("xn--bcher-kva.test");

        Assert.Equal("mx.xn--bcher-kva.test", await _to.NamesAsync("Bücher.test"));
    }

    private async Task WaitUntilAskedAsync()
    {
        while (_to.Dns.Asked.Count == 0)
        {
            await Task.Yield();
        }
    }
}
