using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;

namespace MailGrains.Grains.Tests.Relay.Limits;

/// <summary>What a new activation may lease, and what an old one may not any more.</summary>
public sealed class TakeOverTests
{
    private static readonly TimeSpan Lease = new DestinationOptions().Lease;

    [Fact]
    public void WithoutAnActivationBeforeItLeasesAtOnce()
    {
        var site = new SiteHarness();
        Assert.Equal(3, site.Ask("a", 0, 3).Granted);
        Assert.Equal(DestinationCondition.Open, site.State.Condition);
    }

    [Fact]
    public void NothingNewIsLeasedUntilTheLongestLeaseOfBeforeIsOver()
    {
        var site = new SiteHarness(oldLease: Lease);
        var first = site.Ask("a", 0, 3);
        Assert.Equal((0, LeaseRefusal.TakingOver, TimeSpan.FromSeconds(18)), (first.Granted, first.Refusal, first.Wait));
        Assert.Equal(DestinationCondition.TakingOver, site.State.Condition);
        Assert.True(site.Site.IsLeasing(site.Now));

        // The activation before may have leased for another 2 s after it was replaced, and those leases last 15 s.
        site.Pass(17.1);
        Assert.Equal(0, site.Ask("a", 0, 3).Granted);
        site.Pass(0.9);
        Assert.Equal(3, site.Ask("a", 0, 3).Granted);
    }

    [Fact]
    public void NotEvenAnOperatorGetsThroughATakeOver()
    {
        var site = new SiteHarness(oldLease: Lease);
        Assert.Equal(0, site.Ask("a", 0, 1, ask => ask with { IsUrgent = true }).Granted);
    }

    [Fact]
    public void WhatASiloHoldsIsRenewedMeanwhileOnceItHasHeardOfTheNewActivation()
    {
        var site = new SiteHarness(oldLease: Lease);
        var first = site.Ask("a", 5, 9, ask => ask with { Epoch = Guid.NewGuid() });
        Assert.Equal((LeaseStatus.ClaimAgain, site.Epoch), (first.Status, first.Epoch));
        Assert.Empty(site.State.Silos);

        var second = site.Ask("a", 5, 9);
        Assert.Equal((LeaseStatus.Leased, 5, LeaseRefusal.TakingOver), (second.Status, second.Granted, second.Refusal));
        for (var renewal = 0; renewal < 3; renewal++)
        {
            site.Pass(5);
            Assert.Equal(5, site.Ask("a", 5, 9).Granted);
        }

        // Once the wait is over it is shared: the first gets the nine that it wants.
        site.Pass(5);
        Assert.Equal(11, site.Ask("b", 0, 20).Granted);
    }

    [Fact]
    public void MoreThanTheLimitIsNotBelieved()
    {
        var site = new SiteHarness(oldLease: Lease);
        Assert.Equal(15, site.Ask("a", 15, 15).Granted);
        Assert.Equal(5, site.Ask("b", 15, 15).Granted);
    }

    [Fact]
    public void AClaimAfterTheWaitIsNone()
    {
        var site = new SiteHarness();
        Assert.Equal(20, site.Ask("a", 0, 20).Granted);
        Assert.Equal(0, site.Ask("b", 5, 5).Granted);
    }

    [Fact]
    public void AnActivationThatHasNotLookedSinceGivesNobodyWhatHasEndedSince()
    {
        // A successor that has written its epoch after that look may just renew it.
        var site = new SiteHarness(new DestinationLimits { Connections = 1 });
        Assert.Equal(1, site.Ask("a", 0, 1).Granted);
        site.Pass(13.5);
        site.Confirmed = site.Now;
        site.Pass(1.5);
        Assert.Equal(0, site.Ask("b", 0, 1).Granted);
        site.Confirmed = null;
        Assert.Equal(1, site.Ask("b", 0, 1).Granted);
    }

    [Fact]
    public void WhatIsLeftToTheNextLastsNoShorterThanTheLeases()
    {
        var before = new SiteHarness();
        Assert.Equal(12, before.Ask("a", 0, 12).Granted);
        before.Pass(10);
        var next = new SiteHarness();
        next.Site.Restore(before.Leave(), next.Now);
        Assert.Equal(8, next.Ask("b", 0, 20).Granted);
        next.Pass(5.9);
        Assert.Equal(8, next.Ask("b", 8, 20).Granted);
        next.Pass(0.1);
        Assert.Equal(20, next.Ask("b", 8, 20).Granted);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"format":2,"leases":[]}""")]
    [InlineData("""{"format":1,"leases":null}""")]
    [InlineData("""{"format":1,"leases":[null]}""")]
    [InlineData("""{"format":1,"leases":[{"silo":"8a1e1c2e-0d6c-4c2f-9d36-2f5d3b4b8a11","name":"a","number":1,"leased":-1,"inUse":0,"wanted":0,"left":"00:00:01"}]}""")]
    [InlineData("""{"format":1,"leases":[{"silo":"8a1e1c2e-0d6c-4c2f-9d36-2f5d3b4b8a11","name":"a","number":1,"leased":2147483647,"inUse":0,"wanted":0,"left":"00:00:01"}]}""")]
    [InlineData("""{"format":1,"leases":[{"silo":"8a1e1c2e-0d6c-4c2f-9d36-2f5d3b4b8a11","name":"a","number":1,"leased":1,"inUse":0,"wanted":0,"left":"1.00:00:00"}]}""")]
    [InlineData("""{"format":1,"leases":[{"silo":"8a1e1c2e-0d6c-4c2f-9d36-2f5d3b4b8a11","name":"a","number":1,"leased":1,"inUse":0,"wanted":0,"left":"-00:00:01"}]}""")]
    public void WhatCanTBeReadWasNotLeft(string text) => Assert.Null(SiteHandover.TryRead(text));

    [Fact]
    public void MoreThanTheStoreTakesIsNotLeft()
    {
        var site = new SiteHarness(new DestinationLimits { Connections = 1_000 });
        foreach (var silo in Enumerable.Range(0, 300))
        {
            site.Ask($"silo {silo}", 0, 1);
        }

        Assert.Null(site.Site.Leave(site.Now).Write());
    }

    [Fact]
    public void AnAskThatWasOvertakenChangesNothing()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 2, ask => ask with { Number = 7 });
        var late = site.Ask("a", 0, 0, ask => ask with { Number = 6 });
        Assert.Equal(LeaseStatus.Replaced, late.Status);
        Assert.Equal(18, site.Ask("b", 0, 20).Granted);
    }

    [Fact]
    public void AnActivationIsIdleOnceAllIsGivenBackOrOver()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 2);
        Assert.True(site.Site.IsLeasing(site.Now));
        site.Ask("a", 0, 0);
        Assert.False(site.Site.IsLeasing(site.Now));
        site.Ask("a", 0, 1);
        site.Pass(15);
        Assert.False(site.Site.IsLeasing(site.Now));
    }
}
