using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using MailGrains.Messages.Dns;

namespace MailGrains.Gateways.Connections.Lookups;

public enum ReverseNameStatus
{
    /// <summary>Not asked for: the address is trusted, or look-ups are off.</summary>
    NotLookedUp,

    /// <summary>The name leads back to the address.</summary>
    Confirmed,

    /// <summary>There is a name, which does not lead back.</summary>
    Unconfirmed,

    /// <summary>The address has no name.</summary>
    None,

    /// <summary>It could not be known now.</summary>
    TempError,
}

/// <param name="Name">A host name of letters, digits, hyphens and underscores; null where there is none.</param>
public sealed record ReverseName(ReverseNameStatus Status, string? Name)
{
    /// <summary>RFC 7208 §4.6.4: of more names than this the rest counts for nothing.</summary>
    private const int MaxNames = 10;
    private const int MaxNameLength = 253;

    public static ReverseName NotLookedUp { get; } = new(ReverseNameStatus.NotLookedUp, null);

    internal static async Task<ReverseName> OfAsync(DnsResolver resolver, IPAddress address, CancellationToken cancellationToken)
    {
        var suffix = address.AddressFamily == AddressFamily.InterNetworkV6 ? "ip6.arpa" : "in-addr.arpa";
        var pointers = await resolver.AskAsync($"{DnsResolver.Reversed(address)}.{suffix}", QueryType.PTR, cancellationToken);
        string[] names = [.. pointers.Records.OfType<PtrRecord>().Select(r => r.PtrDomainName.Plain()).Where(IsHostName).Take(MaxNames)];
        if (names.Length == 0)
        {
            return new ReverseName(pointers.Outcome == DnsOutcome.Failed ? ReverseNameStatus.TempError : ReverseNameStatus.None, null);
        }

        var outcomes = await Task.WhenAll(names.Select(name => LeadsToAsync(resolver, name, address, cancellationToken)));
        var confirmed = Array.IndexOf(outcomes, ReverseNameStatus.Confirmed);
        return confirmed >= 0
            ? new ReverseName(ReverseNameStatus.Confirmed, names[confirmed])
            : new ReverseName(outcomes.Contains(ReverseNameStatus.TempError) ? ReverseNameStatus.TempError : ReverseNameStatus.Unconfirmed, names[0]);
    }

    private static async Task<ReverseNameStatus> LeadsToAsync(DnsResolver resolver, string name, IPAddress address, CancellationToken cancellationToken)
    {
        var type = address.AddressFamily == AddressFamily.InterNetworkV6 ? QueryType.AAAA : QueryType.A;
        var answer = await resolver.AskAsync(name, type, cancellationToken);
        return answer.Records.OfType<AddressRecord>().Any(r => r.Address.Equals(address)) ? ReverseNameStatus.Confirmed
            : answer.Outcome == DnsOutcome.Failed ? ReverseNameStatus.TempError
            : ReverseNameStatus.Unconfirmed;
    }

    // Whoever owns the address chooses the name, and it gets into headers and logs.
    private static bool IsHostName(string name) =>
        name.Length is > 0 and <= MaxNameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
