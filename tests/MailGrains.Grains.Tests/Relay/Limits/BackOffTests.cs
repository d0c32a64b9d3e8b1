using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;

namespace MailGrains.Grains.Tests.Relay.Limits;

public sealed class BackOffTests
{
    [Fact]
    public void ASiteWhoseOnlyConnectionFailsIsLeftAloneTwiceAsLongEachTime()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 1);
        site.Fail("a", 0);
        foreach (var seconds in new[] { 30, 60, 120, 240, 480, 600, 600 })
        {
            var refused = site.Ask("b", 0, 3);
            Assert.Equal((0, LeaseRefusal.BackOff, TimeSpan.FromSeconds(seconds)), (refused.Granted, refused.Refusal, refused.Wait));
            site.Pass(seconds - 0.1);
            Assert.Equal(0, site.Ask("b", 0, 3).Granted);
            site.Pass(0.1);
            Assert.Equal((1, true), (site.Ask("a", 0, 1).Granted, site.State.Condition == DestinationCondition.Probing));
            site.Probed("a", 0, ProbeState.Failed, wanted: 0);
        }

        Assert.Equal((DestinationCondition.BackOff, "timed out"), (site.State.Condition, site.State.LastFailure));
        Assert.NotNull(site.State.Until);
    }

    [Fact]
    public void AConnectionThatFailedIsNotOpenedAgainOnTheLeaseThatItHas()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 1);
        var told = site.Ask("a", 1, 1, ask => ask with { InUse = 0, Failures = 1 });
        Assert.Equal((1, 0, LeaseRefusal.BackOff), (told.Granted, told.Target, told.Refusal));
    }

    [Fact]
    public void ConnectionsThatWorkOutlastTheBackOffOfASite()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 2);
        var told = site.Ask("a", 2, 2, ask => ask with { InUse = 1, Failures = 5 });
        Assert.Equal((2, 1, DestinationCondition.BackOff), (told.Granted, told.Target, site.State.Condition));
        told = site.Ask("a", 1, 1);
        Assert.Equal((1, 1, LeaseRefusal.None), (told.Granted, told.Target, told.Refusal));
    }

    [Fact]
    public void BackOffsVaryByTheJitter()
    {
        var waits = Enumerable.Range(0, 50).Select(seed =>
        {
            var backOff = new SiteBackOff(new DestinationOptions(), new Random(seed));
            backOff.Note(0, 1, "refused", 0, 20, TimeSpan.Zero);
            return backOff.Until.TotalSeconds;
        }).ToArray();
        Assert.All(waits, wait => Assert.InRange(wait, 24, 36));
        Assert.True(waits.Max() - waits.Min() > 5);
    }

    [Fact]
    public void OneConnectionInTheWholeClusterIsTheProbe()
    {
        var site = Failed();
        site.Pass(30);
        var probe = site.Ask("a", 0, 10);
        Assert.Equal((1, true, LeaseRefusal.Probing), (probe.Granted, probe.IsProbe, probe.Refusal));
        foreach (var silo in new[] { "b", "c" })
        {
            var other = site.Ask(silo, 0, 10);
            Assert.Equal((0, false, LeaseRefusal.Probing), (other.Granted, other.IsProbe, other.Refusal));
        }

        Assert.Equal((1, false), Of(site.Probed("a", 1, ProbeState.Running, wanted: 10)));

        static (int Granted, bool IsProbe) Of(LeaseReply reply) => (reply.Granted, reply.IsProbe);
    }

    [Fact]
    public void AfterTheProbeConnectionsDoubleAsTheyComeToSucceed()
    {
        var site = Failed();
        site.Pass(30);
        site.Ask("a", 0, 40);
        var allowed = new List<int> { site.Probed("a", 1, ProbeState.Succeeded, wanted: 40).Granted };
        while (site.State.Condition == DestinationCondition.SlowStart && allowed.Count < 20)
        {
            // Those that came with the last step succeed.
            var held = allowed[^1];
            allowed.Add(site.Ask("a", held, 40, ask => ask with { Successes = held / 2 }).Granted);
        }

        Assert.Equal([2, 4, 8, 16, 20], allowed);
        Assert.Equal((DestinationCondition.Open, 20), (site.State.Condition, site.State.Allowed));
    }

    [Fact]
    public void SlowStartEndsWhereTheLimitIsOne()
    {
        var site = Failed(new DestinationLimits { Connections = 1 });
        site.Pass(30);
        site.Ask("a", 0, 5);
        site.Probed("a", 1, ProbeState.Succeeded, wanted: 5);
        Assert.Equal((DestinationCondition.Open, 1), (site.State.Condition, site.State.Allowed));
    }

    [Fact]
    public void AFailureAmongConnectionsThatWorkHalvesThem()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 20);
        var told = site.Ask("a", 19, 20, ask => ask with { Failures = 1, LastFailure = "421 4.7.0 too many connections" });
        Assert.Equal((DestinationCondition.SlowStart, 10, 19, 10), (site.State.Condition, site.State.Allowed, told.Granted, told.Target));
        Assert.Equal("421 4.7.0 too many connections", site.State.LastFailure);
    }

    [Fact]
    public void AllConnectionsFailingAtOnceAreOneBackOff()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 10);
        site.Ask("b", 0, 10);
        site.Fail("a", 0, failures: 10);
        site.Fail("b", 0, failures: 10);
        Assert.Equal(DestinationCondition.BackOff, site.State.Condition);
        Assert.Equal(TimeSpan.FromSeconds(30), site.Ask("c", 0, 1).Wait);
    }

    [Fact]
    public void AnOperatorGetsThroughAsTheProbe()
    {
        var site = Failed();
        var probe = site.Ask("a", 0, 1, ask => ask with { IsUrgent = true });
        Assert.Equal((1, true), (probe.Granted, probe.IsProbe));
        Assert.Equal(0, site.Ask("b", 0, 1, ask => ask with { IsUrgent = true }).Granted);
        site.Probed("a", 0, ProbeState.Failed, wanted: 0);
        Assert.Equal(TimeSpan.FromSeconds(60), site.Ask("b", 0, 1).Wait);
    }

    [Fact]
    public void AProbeThatIsGivenUpOrLostWithItsSiloMakesRoomForAnother()
    {
        var site = Failed();
        site.Pass(30);
        site.Ask("a", 0, 1);
        Assert.True(site.Ask("a", 0, 1).IsProbe);
        Assert.False(site.Ask("b", 0, 1).IsProbe);
        site.Pass(15);
        Assert.True(site.Ask("b", 0, 1).IsProbe);
    }

    [Fact]
    public void ConnectionsThatWorkGoOnWhileNewOnesAreRefused()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 1);
        site.Ask("a", 1, 1);
        site.Fail("b", 0);
        site.Fail("b", 0);
        Assert.Equal(DestinationCondition.BackOff, site.State.Condition);
        Assert.Equal((1, 1), (site.Ask("a", 1, 3).Granted, site.Ask("a", 1, 3).Target));

        // One that was under way when the back-off began, and works: the site is back.
        site.Ask("a", 1, 3, ask => ask with { Successes = 1 });
        Assert.Equal(DestinationCondition.SlowStart, site.State.Condition);
    }

    [Fact]
    public void AFailureLongAfterTheLastIsAFirstOne()
    {
        var site = Failed();
        site.Pass(30);
        site.Ask("a", 0, 1);
        site.Probed("a", 1, ProbeState.Succeeded);
        site.Pass(20 * 60);
        site.Fail("a", 0);
        Assert.Equal(TimeSpan.FromSeconds(30), site.Ask("a", 0, 1).Wait);
    }

    private static SiteHarness Failed(DestinationLimits? limits = null)
    {
        var site = new SiteHarness(limits);
        site.Ask("a", 0, 1);
        site.Fail("a", 0);
        Assert.Equal(DestinationCondition.BackOff, site.State.Condition);
        return site;
    }
}
