using CsCheck;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;

namespace MailGrains.Grains.Tests.Relay.Limits;

public sealed class SharingTests
{
    [Fact]
    public void ASiloThatHasMoreThanItsShareGivesItBackToOneThatAsks()
    {
        var site = new SiteHarness();
        Assert.Equal(20, site.Ask("a", 0, 30).Granted);
        var refused = site.Ask("b", 0, 6);
        Assert.Equal((0, LeaseRefusal.AtLimit, 6), (refused.Granted, refused.Refusal, refused.Target));
        Assert.Contains("20 connections", refused.Reason, StringComparison.Ordinal);

        var told = site.Ask("a", 20, 30);
        Assert.Equal((20, 14), (told.Granted, told.Target));
        Assert.Equal(15, site.Ask("a", 15, 30).Granted);
        Assert.Equal(5, site.Ask("b", 0, 6).Granted);
        Assert.Equal([("a", 15, 15, 30), ("b", 5, 0, 6)], site.State.Silos.Select(s => (s.Silo, s.Leased, s.InUse, s.Wanted)));
    }

    [Fact]
    public void WhatASiloDoesNotAskForIsFreeAtOnce()
    {
        var site = new SiteHarness();
        Assert.Equal(20, site.Ask("a", 0, 20).Granted);
        site.Ask("a", 3, 3);
        Assert.Equal(17, site.Ask("b", 0, 40).Granted);
    }

    [Fact]
    public void ASiloThatIsSilentLosesWhatItHadAfterItsLease()
    {
        var site = new SiteHarness();
        site.Ask("a", 0, 20);
        site.Pass(14.9);
        Assert.Equal(0, site.Ask("b", 0, 5).Granted);
        site.Pass(0.1);
        Assert.Equal(5, site.Ask("b", 0, 5).Granted);
        Assert.Equal(15, site.Ask("a", 0, 20).Granted);
    }

    [Fact]
    public void OneConnectionGoesRoundAmongAllWhoWantIt()
    {
        var site = new SiteHarness(new DestinationLimits { Connections = 1 });
        var held = new Dictionary<string, int> { ["a"] = 0, ["b"] = 0, ["c"] = 0 };
        var seconds = held.Keys.ToDictionary(silo => silo, _ => 0);
        for (var second = 0; second < 120; second++)
        {
            foreach (var silo in held.Keys)
            {
                // Gives back at once what it is asked to; keeps all else.
                var reply = site.Ask(silo, held[silo], 5);
                held[silo] = Math.Min(reply.Granted, reply.Target);
                seconds[silo] += held[silo];
            }

            Assert.InRange(held.Values.Sum(), 0, 1);
            site.Pass(1);
        }

        Assert.All(seconds.Values, had => Assert.InRange(had, 25, 45));
    }

    [Fact]
    public void SharesAreFair() =>
        Gen.Select(Gen.Int[0, 12].Array[1, 6], Gen.Int[0, 40]).Sample((wanted, capacity) =>
        {
            var shares = FairShare.Of(wanted, capacity);
            Assert.Equal(Math.Min(capacity, wanted.Sum()), shares.Sum());
            for (var i = 0; i < wanted.Length; i++)
            {
                Assert.InRange(shares[i], 0, wanted[i]);
                Assert.True(shares[i] == wanted[i] || shares.All(other => other <= shares[i] + 1));
            }
        });

    [Theory]
    [InlineData("*", "mx.example.com", true)]
    [InlineData("*.example.com", "mx.example.com", true)]
    [InlineData("*.example.com", "MX.Example.Com:587", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", "mx.badexample.com", false)]
    [InlineData("*.example.com", "mx.other.test,backup.example.com", true)]
    [InlineData("mx.example.com", "mx.example.com", true)]
    [InlineData("mx.example.com", "a.mx.example.com", false)]
    [InlineData("[2001:db8::1]", "[2001:db8::1]", true)]
    [InlineData("[2001:db8::1]", "[2001:db8::1]:25", true)]
    public void PatternsNameSites(string pattern, string site, bool matches)
    {
        Assert.True(SitePattern.IsValid(pattern));
        Assert.Equal(matches, SitePattern.Matches(pattern, site));
    }

    [Fact]
    public void TheLongestPatternCountsAndInheritsTheRest()
    {
        var options = new DestinationOptions
        {
            Default = new DestinationLimits { MessagesPerConnection = 50 },
            Sites = [new("*.example.com") { Connections = 5 }, new("*.mx.example.com") { Connections = 2, Messages = 10 }, new("*.test") { Connections = 9 }],
            Sources =
            [
                new("*", null, ["192.0.2.1"]), new("*.example.com", null, ["192.0.2.2", "192.0.2.3"]), new("*", "acme", ["192.0.2.4"]),
            ],
        };
        Assert.Null(options.Fault());
        Assert.Equal((2, 50, 10), Of(options.LimitsOf("a.mx.example.com,b.test")));
        Assert.Equal((5, 50, 0), Of(options.LimitsOf("a.example.com:587")));
        Assert.Equal((20, 50, 0), Of(options.LimitsOf("a.example.org")));
        Assert.Equal(["192.0.2.2", "192.0.2.3"], options.SourcesOf("a.example.com", "other"));
        Assert.Equal(["192.0.2.4"], options.SourcesOf("a.example.com", "acme"));
        Assert.Equal(["192.0.2.1"], options.SourcesOf("a.example.org", null));
        Assert.NotNull((options with { Sites = [new("*.x") { Connections = 0 }] }).Fault());
        Assert.NotNull((options with { Sites = [new("a*.x")] }).Fault());
        Assert.NotNull((options with { Sources = [new("*", null, ["localhost"])] }).Fault());
        Assert.NotNull((options with { Default = new() { Period = TimeSpan.FromSeconds(1) } }).Fault());

        static (int Connections, int PerConnection, int Messages) Of(DestinationLimits limits) =>
            (limits.Connections, limits.MessagesPerConnection, limits.Messages);
    }

    [Fact]
    public void AKeyIsReadAsItWasWritten()
    {
        foreach (var key in new[] { new DestinationKey("mx1.example.com,mx2.example.com:587", null), new DestinationKey("[2001:db8::1]", "2001:db8::2") })
        {
            Assert.Equal(key, DestinationKey.Parse(key.ToString()));
        }
    }
}
