using MailGrains.Fuzzing.Loop;

namespace MailGrains.Fuzzing.Tests;

/// <summary>Small twins of the long runs: some thousand inputs a target, always the same ones.</summary>
public sealed class FuzzTargetTests
{
    public static TheoryData<string> Names => [.. InstrumentedContext.Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void NoInputShowsADefect(string name)
    {
        var target = InstrumentedContext.Targets.Single(target => target.Name == name);
        var report = new FuzzLoop(target, new FuzzOptions { Inputs = 1_000 }).Run();
        Assert.True(report.Finding is null, $"{report.Finding}\n{Convert.ToHexString(report.FindingInput ?? [])}");
        Assert.True(report.Edges > 20 && report.Corpus > target.Seeds.Count + 1, $"Nothing guides it: {report}");
    }
}
