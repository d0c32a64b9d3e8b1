using System.Net;
using DnsClient;
using DnsClient.Protocol;
using MailGrains.Messages.Dns;

namespace MailGrains.Gateways.Acme;

internal enum NameOutcome
{
    /// <summary>All its addresses are ours: whichever the authority asks, it asks us.</summary>
    Here,

    /// <summary>It has no address, or one that is not ours.</summary>
    Elsewhere,

    /// <summary>It can't be known now.</summary>
    Unknown,
}

/// <summary>Does a name lead to us? Aliases are followed.</summary>
internal sealed class NameCheck(DnsResolver resolver, AcmeOptions options)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly HashSet<IPAddress> _ours = [.. options.PublicAddresses.Select(Plain)];

    public async Task<NameOutcome> CheckAsync(string name, CancellationToken cancellationToken)
    {
        if (_ours.Count == 0)
        {
            return NameOutcome.Elsewhere;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var answers = await Task.WhenAll(
            resolver.AskAsync(name, QueryType.A, limit.Token), resolver.AskAsync(name, QueryType.AAAA, limit.Token));
        if (answers.Any(answer => answer.Outcome == DnsOutcome.Failed))
        {
            return NameOutcome.Unknown;
        }

        var addresses = answers.SelectMany(answer => answer.Records.OfType<AddressRecord>()).Select(record => Plain(record.Address)).ToList();
        return addresses.Count > 0 && addresses.TrueForAll(_ours.Contains) ? NameOutcome.Here : NameOutcome.Elsewhere;
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
