using System.Collections.Immutable;

namespace MailGrains.Grains.Relay.Destinations.Reports;

/// <summary>How TLS with a domain went on one day, under one policy, as one silo saw it.</summary>
public sealed record TlsDayCount(DateOnly Day, string Domain, TlsPolicy Policy, long Successes, ImmutableArray<TlsFailureCount> Failures);

/// <param name="Host">The mail server; null: none, or any further one.</param>
/// <param name="Reason">For people; null: the result says it all.</param>
public sealed record TlsFailureCount(TlsResultType Result, string? Host, string? Reason, long Sessions);
