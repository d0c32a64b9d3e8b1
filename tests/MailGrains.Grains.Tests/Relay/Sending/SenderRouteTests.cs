using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

public sealed class SenderRouteTests
{
    [Fact]
    public async Task RoutesRejectDiscardAndHold()
    {
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with
        {
            Routes = new RelayRoutes(
            [
                new RelayRoute("no.test") { Action = RouteAction.Reject, Reason = "not from here" },
                new RelayRoute("gone.test") { Action = RouteAction.Discard },
                new RelayRoute("held.test") { Action = RouteAction.Hold, Reason = "look at it" },
            ]),
        };

        var rejected = await SendAsync(harness, "no.test");
        var discarded = await SendAsync(harness, "gone.test");
        var held = await SendAsync(harness, "held.test");

        Assert.Equal((OutcomeKind.Failed, 550, "5.7.1", "not from here"), (rejected.Outcomes[0].Kind, rejected.Outcomes[0].Code, rejected.Outcomes[0].Enhanced, rejected.Outcomes[0].Text));
        Assert.Equal(OutcomeKind.Discarded, discarded.Outcomes[0].Kind);
        Assert.Equal((RelayStatus.Held, "look at it"), (held.Status, held.Reason));
        Assert.Empty(harness.Dns.Asked);
    }

    [Fact]
    public async Task HostsOfARouteAreTriedInOrderAndAnOperatorsOrderGoesBeforeIt()
    {
        await using var second = new MailServer(System.Net.IPAddress.Parse("127.0.0.2"));
        await using var ordered = new MailServer();
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with { Routes = new RelayRoutes([new RelayRoute("*") { Hosts = ["127.0.0.1", "127.0.0.2"], Port = second.Port }]) };
        var queue = harness.Queue("there.test");

        await harness.SendAsync(queue, queue.Message());
        await harness.SendAsync(queue, queue.Message(), new QueueRoute("127.0.0.1", ordered.Port, new QueueMark("op", "test", null)));

        Assert.Equal((1, 1), (second.Taken.Count, ordered.Taken.Count));
    }

    [Fact]
    public async Task HostOfARouteThatDoesNotExistKeepsMailWaiting()
    {
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with { Routes = new RelayRoutes([new RelayRoute("*") { Hosts = ["absent.test"] }]) };

        Assert.Equal(OutcomeKind.Deferred, (await SendAsync(harness, "there.test")).Outcomes[0].Kind);
    }

    [Fact]
    public async Task RoutesOfOneHostShareAConnection()
    {
        await using var server = new MailServer();
        await using var harness = new SenderHarness();
        harness.Options = harness.Options with
        {
            Routes = new RelayRoutes(
            [
                new RelayRoute("a.test") { Hosts = ["127.0.0.1"], Port = server.Port }, new RelayRoute("b.test") { Hosts = ["127.0.0.1"], Port = server.Port },
            ]),
        };

        await SendAsync(harness, "a.test");
        await SendAsync(harness, "b.test");

        Assert.Equal((2, 1), (server.Taken.Count, server.Connections));
    }

    [Fact]
    public void SilentPort25IsAnAlarmOnceManySitesAndMuchTimeSaySo()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var alarms = new RelayAlarms(time);
        for (var i = 0; i < 10; i++)
        {
            alarms.ConnectTimedOut($"mx{i}.test");
        }

        Assert.Empty(alarms.Current);
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(RelayAlarmKind.Port25Blocked, Assert.Single(alarms.Current).Kind);
        alarms.Connected();
        Assert.Empty(alarms.Current);
    }

    private static async Task<RelayReport> SendAsync(SenderHarness harness, string domain)
    {
        var queue = harness.Queue(domain);
        return await harness.SendAsync(queue, queue.Message());
    }
}
