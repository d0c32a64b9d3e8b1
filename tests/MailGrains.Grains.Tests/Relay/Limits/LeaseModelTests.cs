using CsCheck;

namespace MailGrains.Grains.Tests.Relay.Limits;

/// <summary>
/// Random schedules of asks, answers, losses and deaths, with several silos and several activations of one site that take turns and overlap: whatever
/// happens, the connections that are open never are more than the limit.
/// </summary>
public sealed class LeaseModelTests
{
    private static readonly Gen<Step> Steps = Gen.Select(
        Gen.Frequency(
            (8, Gen.Const(Deed.Wait)), (10, Gen.Const(Deed.Ask)), (30, Gen.Const(Deed.Proceed)), (10, Gen.Const(Deed.Answer)), (2, Gen.Const(Deed.Lose)),
            (12, Gen.Const(Deed.Open)), (4, Gen.Const(Deed.Close)), (3, Gen.Const(Deed.Want)), (3, Gen.Const(Deed.Activate)),
            (2, Gen.Const(Deed.Kill)), (1, Gen.Const(Deed.Rest)), (4, Gen.Const(Deed.Leave)), (1, Gen.Const(Deed.KillSilo)), (1, Gen.Const(Deed.Fail))),
        Gen.Int[0, 9], Gen.Int[0, 9],
        (deed, who, what) => new Step(deed, who, what));

    [Fact]
    public void TheLimitHoldsWhateverDies()
    {
        var handedOver = 0;
        Gen.Select(Gen.Int[1, 7], Gen.Int[0, 1_000], Steps.Array[20, 500]).Sample(
            (limit, seed, steps) =>
            {
                var world = new LeaseWorld(limit, silos: 3, seed);
                foreach (var step in steps)
                {
                    world.Do(step);
                    Assert.InRange(world.OpenConnections, 0, limit);
                    Assert.Equal(0, world.Cut);
                }

                Interlocked.Add(ref handedOver, world.HandedOver);
            },
            iter: 6_000);
        Assert.True(handedOver > 1_000, $"Only {handedOver} activations were left what was leased.");
    }

    [Fact]
    public void WhatIsLostComesBackWithinTheTimeOfALease() =>
        Gen.Select(Gen.Int[1, 7], Gen.Int[0, 1_000], Steps.Array[20, 200]).Sample(
            (limit, seed, steps) =>
            {
                var world = new LeaseWorld(limit, silos: 3, seed);
                foreach (var step in steps.Where(step => step.Deed != Deed.Fail))
                {
                    world.Do(step);
                }

                world.Calm(limit);
                Assert.Equal(limit, world.OpenConnections);
            },
            iter: 500);
}
