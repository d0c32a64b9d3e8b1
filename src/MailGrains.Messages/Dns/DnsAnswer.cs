using DnsClient.Protocol;

namespace MailGrains.Messages.Dns;

public enum DnsOutcome
{
    /// <summary>There are records.</summary>
    Found,

    /// <summary>The name has none of that type.</summary>
    NoData,

    /// <summary>The name does not exist.</summary>
    NoName,

    /// <summary>It can't be known now.</summary>
    Failed,
}

/// <param name="Name">The name that the records stand at: the end of its aliases; lower case, without the last dot.</param>
/// <param name="Records">Of the type that was asked for.</param>
public sealed record DnsAnswer(DnsOutcome Outcome, string Name, IReadOnlyList<DnsResourceRecord> Records)
{
    /// <summary>Validated by the resolver (RFC 4035 §3.2.3), which is configured as trusted; of an absence too.</summary>
    public bool IsAuthenticated { get; init; }

    /// <summary>How long it may be kept, an absence too (RFC 2308 §5); zero: nothing says so.</summary>
    public TimeSpan TimeToLive { get; init; }

    /// <summary>With <see cref="DnsOutcome.Failed"/>: what went wrong, in a few words; nothing of it comes from the network.</summary>
    public string Failure { get; init; } = "";

    /// <summary>An alias that was not followed to its end.</summary>
    internal bool IsOpenAlias { get; init; }
}
