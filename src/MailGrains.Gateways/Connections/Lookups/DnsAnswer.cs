using DnsClient.Protocol;

namespace MailGrains.Gateways.Connections.Lookups;

internal enum DnsOutcome
{
    /// <summary>There are records.</summary>
    Found,

    /// <summary>The name does not exist, or has none of that type.</summary>
    None,

    /// <summary>It can't be known now.</summary>
    Failed,
}

internal readonly record struct DnsAnswer(DnsOutcome Outcome, IReadOnlyList<DnsResourceRecord> Records)
{
    public static DnsAnswer None => new(DnsOutcome.None, []);

    public static DnsAnswer Failed => new(DnsOutcome.Failed, []);
}
