namespace MailGrains.Fuzzing.Loop;

/// <summary>How long to look, and what counts as growth.</summary>
public sealed record FuzzOptions
{
    public required long Inputs { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>False: coverage is measured and nothing is made of it; what chance alone finds.</summary>
    public bool IsGuided { get; init; } = true;

    public int MaxInputBytes { get; init; } = 1_024;

    public int MaxCorpus { get; init; } = 2_000;

    /// <summary>An input is microseconds; this is for a machine that is busy.</summary>
    public TimeSpan InputTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For one input.</summary>
    public long MaxAllocatedBytes { get; init; } = 4 << 20;

    /// <summary>What may be held after a collection beyond what was held when a tenth of the inputs had run; the corpus is a part of it.</summary>
    public long MaxGrowthBytes { get; init; } = 32 << 20;
}
