namespace MailGrains.Messages.Summaries;

/// <summary>What a message's structure may take before it is kept and shown as one opaque part.</summary>
public sealed record SummaryLimits
{
    /// <summary>Multiparts and messages within each other.</summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>Parts in all, multiparts included.</summary>
    public int MaxParts { get; init; } = 1_000;

    /// <summary>Parameters of one Content-Type or Content-Disposition.</summary>
    public int MaxParameters { get; init; } = 100;

    /// <summary>Octets of one header block, the message's or a part's.</summary>
    public int MaxHeaderBytes { get; init; } = 256 * 1024;

    /// <summary>Octets of an encoded summary; it must leave room in its row and in a grain call.</summary>
    public int MaxSummaryBytes { get; init; } = 256 * 1024;

    /// <summary>Time spent in the parser, waiting for the content not counted: the last resort where the counts above don't bite.</summary>
    public TimeSpan TimeBudget { get; init; } = TimeSpan.FromSeconds(10);
}
