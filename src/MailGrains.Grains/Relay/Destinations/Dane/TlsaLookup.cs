using System.Collections.Immutable;
using DnsClient;
using DnsClient.Protocol;
using MailGrains.Messages.Dns;

namespace MailGrains.Grains.Relay.Destinations.Dane;

/// <summary>What DNS says of the certificates of a mail server whose name and addresses it has vouched for (RFC 7672 §2.2).</summary>
internal sealed class TlsaLookup(AnswerCache dns)
{
    // For reports: a record may hold a whole certificate.
    private const int MaxReported = 8;
    private const int MaxReportedChars = 1024;

    /// <param name="domains">Further names that a certificate may hold (RFC 7672 §3.2.2): the domain, and the end of its aliases.</param>
    /// <returns>Null: DANE says nothing of this host.</returns>
    public async Task<TlsaResult?> FindAsync(
        string host, int port, HostAddresses addresses, IEnumerable<string> domains, CancellationToken cancellationToken)
    {
        foreach (var name in await BaseNamesAsync(host, addresses, cancellationToken))
        {
            var answer = await dns.AskAsync($"_{port}._tcp.{name}", QueryType.TLSA, cancellationToken);
            if (answer.Outcome == DnsOutcome.Failed)
            {
                return new TlsaResult(null, answer.Failure);
            }

            if (answer is { Outcome: DnsOutcome.Found, IsAuthenticated: true })
            {
                return new TlsaResult(Require(name, [.. answer.Records.OfType<TlsaRecord>()], domains), null);
            }
        }

        return null;
    }

    // RFC 7672 §2.2.2: the end of the aliases first; TLSA is not asked for where addresses are not signed, since servers there often fail on it.
    private async Task<IReadOnlyList<string>> BaseNamesAsync(string host, HostAddresses addresses, CancellationToken cancellationToken)
    {
        if (addresses.IsAuthenticated)
        {
            return addresses.Name == host ? [host] : [addresses.Name, host];
        }

        // An alias may be signed while what it leads to is not.
        return addresses.Name != host && (await dns.AskAsync(host, QueryType.CNAME, cancellationToken)).IsAuthenticated ? [host] : [];
    }

    private static string Report(TlsaAssociation association) =>
        association.ToString() is { Length: > MaxReportedChars } text ? text[..MaxReportedChars] : association.ToString();

    private static TlsRequirement Require(string name, TlsaRecord[] records, IEnumerable<string> domains)
    {
        var associations = TlsaAssociation.Usable(records);

        // RFC 7672 §2.2: where none can be used, TLS is still a must.
        return new TlsRequirement(associations.Length > 0 ? TlsLevel.Dane : TlsLevel.Required)
        {
            ServerName = name,
            ReferenceNames = [.. domains.Prepend(name).Distinct()],
            Associations = associations,
            Policy = new TlsPolicy(TlsPolicyType.Tlsa, name, [.. associations.Take(MaxReported).Select(Report)]),
        };
    }
}

/// <param name="Failure">Set: it can't be known now, and the host is not to be used (RFC 7672 §2.2).</param>
internal sealed record TlsaResult(TlsRequirement? Requirement, string? Failure);
