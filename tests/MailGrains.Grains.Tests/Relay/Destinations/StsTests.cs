using System.Security.Cryptography.X509Certificates;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Faults;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class StsTests : IClassFixture<PolicyServer>, IClassFixture<StoreFixture>, IAsyncDisposable
{
    private readonly PolicyServer _server;
    private readonly LookupHarness _to = new();
    private readonly int _before;

    public StsTests(PolicyServer server, StoreFixture store)
    {
        (_server, _before) = (server, server.Requests);
        _server.Certificate = null;
        _to.UsePolicies(server, store);
        _to.AddDomain(Domain);
        _to.Dns.Add($"mta-sts.{Domain}", DnsType.A, "127.0.0.1");
        Publish("1");
    }

    private string Domain { get; } = $"{Guid.NewGuid():N}.test";

    private string Host => "mx." + Domain;

    private int Requests => _server.Requests - _before;

    public ValueTask DisposeAsync() => _to.DisposeAsync();

    private void Publish(string id)
    {
        _to.Dns.Remove($"_mta-sts.{Domain}");
        _to.Dns.Add($"_mta-sts.{Domain}", DnsType.Txt, $"v=STSv1; id={id};");
    }

    private async Task<TlsRequirement> TlsAsync() => Assert.Single((await _to.FindAsync(Domain)).Hosts).Tls;

    private async Task AssertNoPolicyAsync(string failure)
    {
        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
        Assert.Equal([$"Sts {failure} - 1"], _to.TakeFailures());
    }

    [Fact]
    public async Task AnEnforcedPolicyWantsACertificateForTheHost()
    {
        _server.Answer = PolicyServer.Of("enforce", $"*.{Domain}");

        var host = Assert.Single((await _to.FindAsync(Domain)).Hosts);

        Assert.Equal(TlsLevel.Pkix, host.Tls.Level);
        Assert.Equal([Host], host.Tls.ReferenceNames);
        Assert.True(host.IsNameProven);
        Assert.Equal((TlsPolicyType.Sts, Domain), (host.Tls.Policy.Type, host.Tls.Policy.Domain));
        Assert.Equal(["version: STSv1", "mode: enforce", $"mx: *.{Domain}", "max_age: 604800"], host.Tls.Policy.Lines);
        await _to.FindAsync(Domain);
        Assert.Equal(1, Requests);
        Assert.Empty(_to.TakeFailures());
    }

    [Fact]
    public async Task AHostThatAnEnforcedPolicyDoesNotNameIsNotUsed()
    {
        _to.Dns.Add(Domain, DnsType.Mx, "5 mx.evil.test");
        _to.Dns.Add("mx.evil.test", DnsType.A, "192.0.2.66");
        _server.Answer = PolicyServer.Of("enforce", Host);

        Assert.Equal(Host, await _to.NamesAsync(Domain));
        Assert.Equal(["Sts validation-failure mx.evil.test 1"], _to.TakeFailures());
    }

    [Fact]
    public async Task WhereThePolicyNamesNoneTheMailWaits()
    {
        _server.Answer = PolicyServer.Of("enforce", "other.test");

        Assert.Equal("temporary 451 4.7.5 TlsPolicy", await _to.FailureAsync(Domain));
        Assert.Single((await _to.Lookup.FindWithoutPoliciesAsync(Domain, TestContext.Current.CancellationToken)).Hosts);
    }

    [Fact]
    public async Task APolicyThatIsTestedIsCountedAndNotEnforced()
    {
        _to.Dns.Add(Domain, DnsType.Mx, "5 mx.other.test");
        _to.Dns.Add("mx.other.test", DnsType.A, "192.0.2.2");
        _server.Answer = PolicyServer.Of("testing", Host);

        var hosts = (await _to.FindAsync(Domain)).Hosts;

        Assert.Equal([("mx.other.test", TlsLevel.Opportunistic, false), (Host, TlsLevel.Opportunistic, true)], hosts.Select(h => (h.Name, h.Tls.Level, h.Tls.IsTested)));
        Assert.All(hosts, host => Assert.False(host.IsNameProven));
        Assert.Equal(["Sts validation-failure mx.other.test 1"], _to.TakeFailures());
    }

    [Fact]
    public async Task APolicyOfModeNoneIsNone()
    {
        _server.Answer = PolicyServer.Policy("version: STSv1\nmode: none\nmax_age: 604800\n");

        Assert.Equal(TlsRequirement.Opportunistic, await TlsAsync());
        Assert.Equal(1, Requests);
    }

    [Fact]
    public async Task DaneComesBeforeAPolicy()
    {
        _to.Options = _to.Options with { TrustAuthenticatedData = true };
        _to.Dns.Sign("test");
        _to.Dns.Add($"_25._tcp.{Host}", DnsType.Tlsa, "3 1 1 " + new string('a', 64));
        _server.Answer = PolicyServer.Of("enforce", "other.test");

        Assert.Equal(TlsLevel.Dane, (await TlsAsync()).Level);
    }

    [Theory]
    [InlineData("v=STSv1; id=1;v=spf1", true)]
    [InlineData("v=STSv1 ; x=y; id=abcXYZ09", true)]
    [InlineData("v=STSv1;id=12345678901234567890123456789012", true)]
    [InlineData("v=STSv1;id=123456789012345678901234567890123", false)]
    [InlineData("v=STSv1; id=a-b", false)]
    [InlineData("v=STSv1; id=", false)]
    [InlineData("v=STSv1;", false)]
    [InlineData("v=STSv1", false)]
    [InlineData("v=STSv12; id=1", false)]
    [InlineData("V=STSv1; id=1", false)]
    [InlineData(" v=STSv1; id=1", false)]
    [InlineData("v=spf1 -all", false)]
    public async Task APolicyIsFetchedWhereARecordNamesOne(string record, bool isOne)
    {
        _to.Dns.Remove($"_mta-sts.{Domain}");
        _to.Dns.Add($"_mta-sts.{Domain}", DnsType.Txt, record);
        _to.Dns.Add($"_mta-sts.{Domain}", DnsType.Txt, "another record altogether");

        await _to.FindAsync(Domain);

        Assert.Equal(isOne ? 1 : 0, Requests);
    }

    [Fact]
    public async Task OfTwoRecordsNoneCounts()
    {
        _to.Dns.Add($"_mta-sts.{Domain}", DnsType.Txt, "v=STSv1; id=2;");

        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
        Assert.Equal(0, Requests);
    }

    [Fact]
    public async Task ARedirectIsNotFollowed()
    {
        _server.Answer = context =>
        {
            context.Response.Redirect($"https://mta-sts.{Domain}:{_server.Port}/other");
            return Task.CompletedTask;
        };

        await AssertNoPolicyAsync("sts-policy-fetch-error");
        Assert.Equal(1, Requests);
    }

    [Fact]
    public async Task AnErrorIsNoPolicy()
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = 404;
            return PolicyServer.Of("enforce", Host)(context);
        };

        await AssertNoPolicyAsync("sts-policy-fetch-error");
    }

    [Fact]
    public async Task HtmlIsNoPolicy()
    {
        _server.Answer = PolicyServer.Policy($"version: STSv1\nmode: enforce\nmx: {Host}\nmax_age: 86400\n", "text/html");

        await AssertNoPolicyAsync("sts-policy-invalid");
    }

    [Fact]
    public async Task WhatCannotBeReadIsNoPolicy()
    {
        _server.Answer = PolicyServer.Policy("version: STSv1\nmode: everything\n");

        await AssertNoPolicyAsync("sts-policy-invalid");
    }

    [Theory]
    [InlineData(65_536, true)]
    [InlineData(65_537, false)]
    public async Task SixtyFourKilobytesAreRead(int length, bool isPolicy)
    {
        var text = $"version: STSv1\nmode: enforce\nmx: {Host}\nmax_age: 86400\n";
        _server.Answer = PolicyServer.Policy(text + new string('\n', length - text.Length));

        Assert.Equal(isPolicy ? TlsLevel.Pkix : TlsLevel.Opportunistic, (await TlsAsync()).Level);
    }

    [Fact]
    public async Task AnEndlessPolicyIsNotReadToItsEnd()
    {
        _server.Answer = async context =>
        {
            context.Response.ContentType = "text/plain";
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(new string('\n', 1000), context.RequestAborted);
            }
        };

        await AssertNoPolicyAsync("sts-policy-invalid");
    }

    public enum BadCertificate
    {
        OtherName,
        OtherIssuer,
        Expired,
        CommonNameOnly,
    }

    [Theory]
    [InlineData(BadCertificate.OtherName)]
    [InlineData(BadCertificate.OtherIssuer)]
    [InlineData(BadCertificate.Expired)]
    [InlineData(BadCertificate.CommonNameOnly)]
    public async Task AHostWithoutAGoodCertificateIsNotBelieved(BadCertificate bad)
    {
        using var other = new TestAuthority("Other");
        _server.Answer = PolicyServer.Of("enforce", Host);
        _server.Certificate = Certificate;

        await AssertNoPolicyAsync("sts-webpki-invalid");
        Assert.Equal(0, Requests);

        X509Certificate2 Certificate(string name) => bad switch
        {
            BadCertificate.OtherName => _server.Authority.Issue("mta-sts.two.test"),
            BadCertificate.OtherIssuer => other.Issue(name),
            BadCertificate.Expired => _server.Authority.Issue(name, DateTimeOffset.UtcNow.AddHours(-1)),
            _ => TestAuthority.Certificate($"CN={name}", _server.Authority.Intermediate, ca: false),
        };
    }

    [Fact]
    public async Task AServerThatHangsIsWaitedForForAMinute()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Answer = async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };

        var finding = AssertNoPolicyAsync("sts-policy-fetch-error");
        await asked.Task;
        _to.Time.Advance(TimeSpan.FromMinutes(1));

        await finding;
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("127.0.0.1", true)]
    public async Task APolicyHostThatIsNotPublicIsNotConnectedTo(string address, bool byAlias)
    {
        _to.Options = _to.Options with { PolicyNetworks = [] };
        _to.Dns.Remove($"mta-sts.{Domain}");
        _to.Dns.Add(byAlias ? "innocent.test" : $"mta-sts.{Domain}", DnsType.A, address);
        if (byAlias)
        {
            _to.Dns.Add($"mta-sts.{Domain}", DnsType.Cname, "innocent.test");
        }

        await AssertNoPolicyAsync("sts-policy-fetch-error");
        Assert.Equal(0, Requests);
    }

    [Fact]
    public async Task APolicyHoldsOverARestartAndWhateverDnsAndItsHostSayUntilItIsTooOld()
    {
        _server.Answer = PolicyServer.Of("enforce", Host, maxAge: 100_000);
        await _to.FindAsync(Domain);
        _to.Restart();

        Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
        Assert.Equal(1, Requests);

        _to.Dns.Remove($"_mta-sts.{Domain}");
        _to.Restart();
        _to.Time.Advance(TimeSpan.FromSeconds(99_999));
        Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
        _to.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
        Assert.Equal(1, Requests);
    }

    [Fact]
    public async Task AnotherIdBringsTheNewPolicy()
    {
        _server.Answer = PolicyServer.Of("enforce", Host);
        await _to.FindAsync(Domain);

        Publish("2");
        _server.Answer = PolicyServer.Of("testing", Host);
        Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
        _to.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((TlsLevel.Opportunistic, true), ((await TlsAsync()).Level, (await TlsAsync()).IsTested));
        Assert.Equal(2, Requests);
    }

    [Fact]
    public async Task APolicyHoldsWhereANewerOneCannotBeHadAndThatIsTriedAgainInAWhile()
    {
        _server.Answer = PolicyServer.Of("enforce", Host);
        await _to.FindAsync(Domain);
        Publish("2");
        _server.Answer = PolicyServer.Policy("version: STSv1\nbroken\n");
        _to.Time.Advance(TimeSpan.FromMinutes(1));

        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
        }

        Assert.Equal(2, Requests);
        Assert.Equal(["Sts sts-policy-invalid - 4"], _to.TakeFailures());

        _server.Answer = PolicyServer.Of("enforce", "other.test");
        _to.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("temporary 451 4.7.5 TlsPolicy", await _to.FailureAsync(Domain));
        Assert.Equal(3, Requests);
    }

    [Fact]
    public async Task APolicyIsFetchedAgainEachDayBesideItsUse()
    {
        _server.Answer = PolicyServer.Of("enforce", Host);
        await _to.FindAsync(Domain);
        _to.Time.Advance(TimeSpan.FromDays(1));
        _server.Answer = PolicyServer.Of("testing", Host);

        Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
        await _to.Lookup.Refreshing;
        Assert.Equal(TlsLevel.Opportunistic, (await TlsAsync()).Level);
        await _to.Lookup.Refreshing;
        Assert.Equal(2, Requests);
    }

    [Fact]
    public async Task WhoAsksAtTheSameTimeWaitsForOneFetch()
    {
        _server.Answer = PolicyServer.Of("enforce", Host);

        var found = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => TlsAsync()));

        Assert.All(found, tls => Assert.Equal(TlsLevel.Pkix, tls.Level));
        Assert.Equal(1, Requests);
    }

    [Fact]
    public async Task WhereTheStoreCannotSayWhetherThereIsAPolicyTheMailWaits()
    {
        _to.Tables!.BeforeRead = _ => throw new Storage.StoreException(Storage.StoreFailure.Unavailable, "gone");

        Assert.Equal("temporary 451 4.3.0 Store", await _to.FailureAsync(Domain));

        _to.Tables.BeforeRead = null;
        _server.Answer = PolicyServer.Of("enforce", Host);
        Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
    }

    [Fact]
    public async Task APolicyThatCannotBeStoredIsUsedAllTheSame()
    {
        _to.Tables!.Fail(CommitFault.Unavailable);
        _server.Answer = PolicyServer.Of("enforce", Host);

        Assert.Equal(TlsLevel.Pkix, (await TlsAsync()).Level);
    }
}
