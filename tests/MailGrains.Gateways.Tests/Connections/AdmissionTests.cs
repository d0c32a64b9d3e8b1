using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Messages.Dns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using static MailGrains.Gateways.Tests.Connections.Peers;

namespace MailGrains.Gateways.Tests.Connections;

public sealed class AdmissionTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<GatewayMetrics>().BuildServiceProvider();
    private readonly RecordedLog<Admission> _log = new();

    public void Dispose() => _services.Dispose();

    [Fact]
    public void WhatIsKnownOfThePeerIsAFeatureOfItsConnection()
    {
        var admission = Admission(new AddressLimits());
        var connection = Connection("::ffff:192.0.2.1");

        using var admitted = admission.Enter(connection, "smtp", WantedLookups.None);

        Assert.Same(admitted.Peer, connection.Features.Get<PeerFacts>());
        Assert.Equal("192.0.2.1", admitted.Peer.Address.ToString());
        Assert.False(admitted.Peer.ViaProxy);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("::1", "::1", true)]
    [InlineData("::ffff:127.0.0.1", "::ffff:127.0.0.1", true)]
    [InlineData("192.0.2.1", "127.0.0.1", false)]
    [InlineData("127.0.0.1", "192.0.2.1", false)]
    public void ClearTextIsAllowedWhereBothEndsAreOnThisMachine(string remote, string local, bool allowed)
    {
        Assert.Equal(allowed, new PeerFacts(Connection(remote, local), new ConnectionOptions()).IsClearTextAllowed);
    }

    [Fact]
    public void ClearTextIsNotAllowedBehindAProxy()
    {
        var connection = Connection("127.0.0.1");
        connection.Features.Set(new ProxyHeader(null, null));

        Assert.False(new PeerFacts(connection, new ConnectionOptions()).IsClearTextAllowed);
    }

    [Fact]
    public void ARefusedConnectionTakesNoSlotAndTheNextMayComeWhenOneEnds()
    {
        var admission = Admission(new AddressLimits { Connections = 1 });
        var first = admission.Enter(Connection("192.0.2.1"), "smtp", WantedLookups.None);
        using (var refused = admission.Enter(Connection("192.0.2.1"), "pop3", WantedLookups.None))
        {
            Assert.Equal(new Refusal("Too many open connections from your address", IsOurs: false), refused.Refusal);
        }

        using var other = admission.Enter(Connection("192.0.2.2"), "smtp", WantedLookups.None);
        Assert.Null(other.Refusal);
        using (var full = admission.Enter(Connection("192.0.2.3"), "smtp", WantedLookups.None))
        {
            Assert.Equal(new Refusal("Too many connections", IsOurs: true), full.Refusal);
        }

        first.Dispose();
        first.Dispose();
        using var second = admission.Enter(Connection("192.0.2.1"), "smtp", WantedLookups.None);
        Assert.Null(second.Refusal);
        using var third = admission.Enter(Connection("192.0.2.3"), "smtp", WantedLookups.None);
        Assert.NotNull(third.Refusal);
    }

    [Fact]
    public void AFloodWritesOneLine()
    {
        var admission = Admission(new AddressLimits { NewConnectionsPerMinute = 1 });
        for (var i = 0; i < 100; i++)
        {
            admission.Enter(Connection("2001:db8::1"), "smtp", WantedLookups.None).Dispose();
        }

        Assert.Equal(
            ["Warning: smtp: connection from 2001:db8::/64 refused: Too many new connections from your address (1 since the last such line)"], _log.Lines);
    }

    private Admission Admission(AddressLimits limits)
    {
        var options = NobodyTrusted with { Limits = limits };
        var (time, metrics, resolver) = (new FakeTimeProvider(), _services.GetRequiredService<GatewayMetrics>(), new DnsResolver(new DnsResolverOptions { Servers = options.DnsServers }));
        return new Admission(
            options, new AddressBudgets(options, time),
            new PeerLookups(resolver, new Dnsbl(resolver, options, metrics, time, new RecordedLog<Dnsbl>()), options, metrics, time),
            new SessionSlots(new GatewayOptions { HostName = "mx.test", MaxSessions = 2 }), metrics, _log);
    }
}
