using System.Collections.Immutable;
using DnsClient;
using DnsClient.Protocol;
using MailGrains.Messages.Dns;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>Which hosts take mail for a domain (RFC 5321 §5.1), by their names alone.</summary>
internal sealed class MailExchanges(AnswerCache dns, DestinationOptions options)
{
    private const int MaxHosts = 20;
    private const int MaxNameLength = 253;

    private readonly HashSet<string> _ownNames = new(options.OwnHostNames, StringComparer.OrdinalIgnoreCase);

    public async Task<ExchangeList> FindAsync(string domain, CancellationToken cancellationToken)
    {
        var answer = await dns.AskAsync(domain, QueryType.MX, cancellationToken);
        return answer.Outcome switch
        {
            DnsOutcome.NoName => ExchangeList.Failed(DestinationFailure.NoSuchDomain(domain)),
            DnsOutcome.Failed => ExchangeList.Failed(DestinationFailure.Dns($"the MX of {domain}", answer.Failure)),

            // RFC 5321 §5.1: the implicit MX.
            DnsOutcome.NoData => Cut(domain, [new MailExchange(domain, 0)], answer) with { IsImplicit = true },
            _ => Read(domain, answer),
        };
    }

    private ExchangeList Read(string domain, DnsAnswer answer)
    {
        MailExchange[] found = [.. answer.Records.OfType<MxRecord>().Select(r => new MailExchange(r.Exchange.Plain(), r.Preference))];

        // RFC 7505 §3; beside other records it means nothing.
        if (found.All(exchange => exchange.Name.Length == 0))
        {
            return ExchangeList.Failed(DestinationFailure.NullMx(domain));
        }

        // RFC 5321 §5.1: those of one preference in random order.
        Random.Shared.Shuffle(found);
        var exchanges = found.Where(exchange => exchange.Name.Length > 0).OrderBy(exchange => exchange.Preference).DistinctBy(exchange => exchange.Name);
        return Cut(domain, [.. exchanges], answer);
    }

    /// <summary>RFC 5321 §5.1: never to ourselves, nor to a host that would send it back to us.</summary>
    private ExchangeList Cut(string domain, IReadOnlyList<MailExchange> exchanges, DnsAnswer answer)
    {
        MailExchange[] ours = [.. exchanges.Where(exchange => _ownNames.Contains(exchange.Name))];
        IEnumerable<MailExchange> better = ours.Length == 0 ? exchanges : exchanges.Where(exchange => exchange.Preference < ours.Min(o => o.Preference));
        ImmutableArray<MailExchange> left = [.. better.Take(MaxHosts)];
        return left.Length == 0
            ? ExchangeList.Failed(DestinationFailure.LoopsBack(domain))
            : new ExchangeList(left, answer.Name, answer.IsAuthenticated);
    }

    /// <summary>Whoever owns the domain chooses the name, and it gets into questions, replies and logs.</summary>
    internal static bool IsHostName(string name) =>
        name.Length is > 0 and <= MaxNameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}

/// <param name="Name">Lower case; may be anything that DNS can carry.</param>
internal readonly record struct MailExchange(string Name, int Preference);

/// <param name="Exchanges">The best first; at least one, unless there is a <see cref="Failure"/>.</param>
/// <param name="Name">The domain at the end of its aliases.</param>
/// <param name="IsAuthenticated">By DNSSEC.</param>
internal sealed record ExchangeList(ImmutableArray<MailExchange> Exchanges, string Name, bool IsAuthenticated)
{
    /// <summary>There are no MX records.</summary>
    public bool IsImplicit { get; init; }

    public DestinationFailure? Failure { get; init; }

    public static ExchangeList Failed(DestinationFailure failure) => new([], "", false) { Failure = failure };
}
