using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using MailGrains.Messages.Dns;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>The addresses of a host, in the order in which they are to be tried.</summary>
/// <param name="Name">The host at the end of its aliases.</param>
/// <param name="IsAuthenticated">By DNSSEC.</param>
internal sealed record HostAddresses(ImmutableArray<IPAddress> Addresses, string Name, bool IsAuthenticated)
{
    private const int Max = 10;

    /// <summary>There are addresses that can't be known now; null: those that are there are all.</summary>
    public string? Failure { get; init; }

    /// <param name="isWanted">Addresses that it refuses count as not there.</param>
    public static async Task<HostAddresses> FindAsync(
        AnswerCache dns, string host, bool preferIPv6, Func<IPAddress, bool> isWanted, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(
            dns.AskAsync(host, preferIPv6 ? QueryType.AAAA : QueryType.A, cancellationToken),
            dns.AskAsync(host, preferIPv6 ? QueryType.A : QueryType.AAAA, cancellationToken));
        DnsAnswer[] found = [.. answers.Where(answer => answer.Outcome == DnsOutcome.Found)];
        return new HostAddresses(
            Merge(Wanted(answers[0], isWanted), Wanted(answers[1], isWanted)),
            found.FirstOrDefault()?.Name ?? answers[0].Name,
            found.Length > 0 && found.All(answer => answer.IsAuthenticated))
        {
            Failure = answers.FirstOrDefault(answer => answer.Outcome == DnsOutcome.Failed)?.Failure,
        };
    }

    /// <summary>Reads an address literal (RFC 5321 §4.1.3), or an address alone.</summary>
    public static bool TryParse(string text, out IPAddress address)
    {
        const string Tag = "IPv6:";
        address = IPAddress.None;
        var isLiteral = text.Length > 2 && text[0] == '[' && text[^1] == ']';
        var inner = isLiteral ? text[1..^1] : text;
        var isTagged = isLiteral && inner.StartsWith(Tag, StringComparison.OrdinalIgnoreCase);
        if (inner.Contains('%', StringComparison.Ordinal) || !IPAddress.TryParse(isTagged ? inner[Tag.Length..] : inner, out var parsed))
        {
            return false;
        }

        var isIPv6 = parsed.AddressFamily == AddressFamily.InterNetworkV6;
        address = AddressScope.Plain(parsed);

        // Not "[1]", nor "010.0.0.1", which is another address elsewhere.
        return isIPv6 ? isTagged || !isLiteral : !isTagged && parsed.ToString() == inner;
    }

    // In the order of the answer: RFC 5321 §5.1.
    private static ImmutableArray<IPAddress> Wanted(DnsAnswer answer, Func<IPAddress, bool> isWanted) =>
        [.. answer.Records.OfType<AddressRecord>().Select(r => AddressScope.Plain(r.Address)).Where(isWanted).Distinct()];

    /// <summary>However many there are of one family, some of the other are tried too.</summary>
    private static ImmutableArray<IPAddress> Merge(ImmutableArray<IPAddress> first, ImmutableArray<IPAddress> second) =>
        [.. first.Take(Max - Math.Min(second.Length, Max / 2)).Concat(second).Take(Max)];
}
