using System.Net;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Messages.Dns;
using MailGrains.Testing.Dns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using static MailGrains.Gateways.Tests.Connections.Peers;

namespace MailGrains.Gateways.Tests.Connections;

public sealed class PeerLookupsTests : IAsyncDisposable
{
    private const string Address = "192.0.2.1";

    private readonly DnsServer _dns = DnsServer.Start();
    private readonly FakeTimeProvider _time = new();
    private readonly RecordedLog<Dnsbl> _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<GatewayMetrics>().BuildServiceProvider();

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _dns.DisposeAsync();
    }

    [Theory]
    [InlineData("192.0.2.1", DnsType.A)]
    [InlineData("2001:db8::1", DnsType.Aaaa)]
    public async Task ANameThatLeadsBackIsConfirmed(string address, DnsType type)
    {
        _dns.AddPointer(address, "other.test");
        _dns.AddPointer(address, "mail.test");
        _dns.Add("mail.test", DnsType.Cname, "host.test");
        _dns.Add("host.test", type, address);

        Assert.Equal(new ReverseName(ReverseNameStatus.Confirmed, "mail.test"), await NameAsync(address));
    }

    [Fact]
    public async Task ANameThatLeadsElsewhereIsNotConfirmed()
    {
        _dns.AddPointer(Address, "mail.test");
        _dns.Add("mail.test", DnsType.A, "192.0.2.2");

        Assert.Equal(new ReverseName(ReverseNameStatus.Unconfirmed, "mail.test"), await NameAsync(Address));
    }

    [Fact]
    public async Task AnAddressMayHaveNoName()
    {
        Assert.Equal(new ReverseName(ReverseNameStatus.None, null), await NameAsync(Address));
    }

    [Fact]
    public async Task ANameThatIsNoHostNameIsNone()
    {
        _dns.AddPointer(Address, "evil\r\nname.test");
        _dns.AddPointer(Address, "(comment).test");

        Assert.Equal(new ReverseName(ReverseNameStatus.None, null), await NameAsync(Address));
    }

    [Fact]
    public async Task AFailureIsNoAnswer()
    {
        _dns.Fail(DnsServer.ReverseName("192.0.2.1"));
        _dns.AddPointer("192.0.2.2", "mail.test");
        _dns.Fail("mail.test");

        Assert.Equal(new ReverseName(ReverseNameStatus.TempError, null), await NameAsync("192.0.2.1"));
        Assert.Equal(new ReverseName(ReverseNameStatus.TempError, "mail.test"), await NameAsync("192.0.2.2"));
    }

    [Fact]
    public async Task AnAnswerIsWaitedForForThreeSeconds()
    {
        _dns.Hold(DnsServer.ReverseName(Address));
        _dns.Hold("1.2.0.192.list.test");
        var peer = Begin(Address, Zones(new DnsblZone("list.test", [])));

        _time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(peer.ReverseName.IsCompleted || peer.Listing.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(ReverseNameStatus.TempError, (await peer.ReverseName).Status);
        Assert.Null(await peer.Listing);
    }

    [Fact]
    public async Task NothingIsAskedOfATrustedAddressNorOfOneForWhichNothingIsWanted()
    {
        var zones = Zones(new DnsblZone("list.test", []));
        var trusted = Begin("127.0.0.2", zones with { TrustedNetworks = NetworkList.Loopback });
        var unwanted = Peer(Address, zones);
        Lookups(zones).Begin(unwanted, WantedLookups.None);

        Assert.Same(ReverseName.NotLookedUp, await trusted.ReverseName);
        Assert.Same(ReverseName.NotLookedUp, await unwanted.ReverseName);
        Assert.Null(await trusted.Listing);
        Assert.Empty(_dns.Asked);
    }

    [Fact]
    public async Task AListedAddressIsFoundWithTheListsReasonCleaned()
    {
        _dns.Add("1.2.0.192.list.test", DnsType.A, "127.0.0.4");
        _dns.Add("1.2.0.192.list.test", DnsType.Txt, "See\r\n250 https://list.test/\u00e9" + new string('x', 300));

        var listing = await Begin(Address, Zones(new DnsblZone("other.test", []), new DnsblZone("list.test", []))).Listing;

        Assert.Equal("list.test", listing!.Zone);
        Assert.Equal(IPAddress.Parse("127.0.0.4"), listing.Code);
        Assert.StartsWith("See??250 https://list.test/?xxx", listing.Text, StringComparison.Ordinal);
        Assert.Equal(200, listing.Text!.Length);
    }

    [Fact]
    public async Task AnIPv6AddressIsAskedForByNibbles()
    {
        _dns.Add("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.test", DnsType.A, "127.0.0.2");

        Assert.NotNull(await Begin("2001:db8::1", Zones(new DnsblZone("list.test", []))).Listing);
    }

    [Theory]
    [InlineData("127.0.0.2", "", true)]
    [InlineData("127.1.2.3", "", true)]
    [InlineData("192.0.2.7", "", false)]
    [InlineData("127.255.255.254", "", false)]
    [InlineData("127.0.0.2", "127.0.0.2", true)]
    [InlineData("127.0.0.3", "127.0.0.2", false)]
    [InlineData("127.0.0.7", "127.0.0.2 127.0.0.4-127.0.0.7", true)]
    [InlineData("127.0.0.8", "127.0.0.2 127.0.0.4-127.0.0.7", false)]
    [InlineData("127.255.255.254", "127.0.0.0-127.255.255.255", false)]
    public async Task OnlyTheExpectedAnswersCount(string answer, string codes, bool listed)
    {
        _dns.Add("1.2.0.192.list.test", DnsType.A, answer);
        var zone = new DnsblZone("list.test", [.. codes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Codes)]);

        Assert.Equal(listed, await Begin(Address, Zones(zone)).Listing is not null);
    }

    [Fact]
    public async Task AListThatAnswersWithAnErrorOrFailsIsLoggedOnceInAWhile()
    {
        _dns.Add("1.2.0.192.list.test", DnsType.A, "127.255.255.254");
        _dns.Fail("1.2.0.192.failing.test");
        var options = Zones(new DnsblZone("list.test", []), new DnsblZone("failing.test", []));
        var lookups = Lookups(options);

        for (var i = 0; i < 3; i++)
        {
            var peer = Peer(Address, options);
            lookups.Begin(peer, WantedLookups.Listing);
            Assert.Null(await peer.Listing);
        }

        Assert.Equal(2, _log.Lines.Count);
        Assert.Contains("Warning: The block list list.test does not work, nobody counts as listed there: 127.255.255.254", _log.Lines);
        Assert.Contains("Warning: The block list failing.test does not work, nobody counts as listed there: no answer", _log.Lines);
    }

    [Fact]
    public async Task ATruncatedAnswerIsAskedForOverTcp()
    {
        _dns.Add("1.2.0.192.list.test", DnsType.A, "127.0.0.2");
        _dns.Truncate("1.2.0.192.list.test");

        Assert.NotNull(await Begin(Address, Zones(new DnsblZone("list.test", []))).Listing);
        Assert.Contains(_dns.Asked, question => question.OverTcp);
    }

    [Fact]
    public async Task WithoutAServerThatAnswersNothingIsKnown()
    {
        await _dns.DisposeAsync();
        var peer = Begin(Address, Zones(new DnsblZone("list.test", [])));

        Assert.Null(await peer.Listing);
        Assert.Equal(ReverseNameStatus.TempError, (await peer.ReverseName).Status);
    }

    private static DnsblCodes Codes(string text) => DnsblCodes.TryParse(text, out var codes) ? codes.Value : throw new FormatException(text);

    private ConnectionOptions Zones(params DnsblZone[] zones) => NobodyTrusted with { DnsblZones = zones, DnsServers = [_dns.EndPoint] };

    private Task<ReverseName> NameAsync(string address) => Begin(address, Zones()).ReverseName;

    private PeerFacts Begin(string address, ConnectionOptions options)
    {
        var peer = Peer(address, options);
        Lookups(options).Begin(peer, WantedLookups.ReverseName | WantedLookups.Listing);
        return peer;
    }

    private PeerLookups Lookups(ConnectionOptions options)
    {
        var metrics = _services.GetRequiredService<GatewayMetrics>();
        var resolver = new DnsResolver(new DnsResolverOptions { Servers = options.DnsServers });
        return new PeerLookups(resolver, new Dnsbl(resolver, options, metrics, _time, _log), options, metrics, _time);
    }
}
