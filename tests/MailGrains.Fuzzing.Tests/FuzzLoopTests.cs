using MailGrains.Fuzzing.Loop;

namespace MailGrains.Fuzzing.Tests;

public sealed class FuzzLoopTests
{
    private const int Enough = 200_000;

    private static FuzzTarget Planted { get; } = new(
        "planted", ["NOOP\r\n"u8.ToArray()], [],
        InstrumentedContext.TwinOf(typeof(PlantedDefect)).GetMethod(nameof(PlantedDefect.Run))!.CreateDelegate<Action<byte[]>>());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void CoverageLeadsToThePlantedDefectAndChanceDoesNot(int seed)
    {
        var options = new FuzzOptions { Inputs = Enough, Seed = seed };
        var guided = new FuzzLoop(Planted, options).Run();
        Assert.Contains("the planted defect", guided.Finding, StringComparison.Ordinal);
        Assert.Contains("the planted defect", Assert.Throws<InvalidOperationException>(() => Planted.Run(guided.FindingInput!)).Message, StringComparison.Ordinal);

        var unguided = new FuzzLoop(Planted, options with { IsGuided = false }).Run();
        Assert.Null(unguided.Finding);
        Assert.True(unguided.Inputs >= Enough && unguided.Edges < guided.Edges);
    }

    [Fact]
    public void TheSameSeedMakesTheSameInputs()
    {
        var options = new FuzzOptions { Inputs = Enough };
        Assert.Equal(new FuzzLoop(Planted, options).Run().FindingInput, new FuzzLoop(Planted, options).Run().FindingInput);
    }

    [Fact]
    public void AnInputThatDoesNotEndIsFound()
    {
        using var never = new ManualResetEventSlim();
        var target = new FuzzTarget("endless", ["ab"u8.ToArray()], [], input => Wait(input, never));
        var report = new FuzzLoop(target, new FuzzOptions { Inputs = Enough, InputTimeout = TimeSpan.FromMilliseconds(100) }).Run();
        never.Set();
        Assert.StartsWith("No end", report.Finding, StringComparison.Ordinal);
        Assert.True(report.FindingInput!.Length > 2);
    }

    [Fact]
    public void AnInputThatAllocatesWithoutBoundIsFound()
    {
        var target = new FuzzTarget("greedy", ["ab"u8.ToArray()], [], input => GC.KeepAlive(input.Length > 100 ? new byte[10_000 * input.Length] : null));
        var report = new FuzzLoop(target, new FuzzOptions { Inputs = Enough, MaxAllocatedBytes = 1 << 20 }).Run();
        Assert.Contains("allocate", report.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsKeptForEverIsFound()
    {
        var kept = new List<byte[]>();
        var target = new FuzzTarget("leak", ["ab"u8.ToArray()], [], _ => kept.Add(new byte[100]));
        var report = new FuzzLoop(target, new FuzzOptions { Inputs = 50_000, MaxGrowthBytes = 1 << 20 }).Run();
        Assert.Contains("grown", report.Finding, StringComparison.Ordinal);
    }

    private static void Wait(byte[] input, ManualResetEventSlim never)
    {
        if (input.Length > 2)
        {
            never.Wait(TestContext.Current.CancellationToken);
        }
    }
}
