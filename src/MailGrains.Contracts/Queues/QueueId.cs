using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailGrains.Contracts.Directory;

namespace MailGrains.Contracts.Queues;

/// <summary>
/// Names a queue: what a tenant has to send to one domain, in one of its shards. Its text is the key of <see cref="IDomainQueueGrain"/>:
/// <c>tenant/account-shard/domain</c>.
/// </summary>
/// <param name="Account">The storage account of the tenant's queues; it never changes.</param>
/// <param name="Domain">A-labels in lower case, or an address literal in brackets.</param>
/// <param name="Shard">0 to n-1.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.QueueId")]
public readonly record struct QueueId(
    [property: Id(0)] string Tenant, [property: Id(1)] int Account, [property: Id(2)] string Domain, [property: Id(3)] int Shard)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Tenant}/{Account}-{Shard}/{Domain}");

    public static QueueId Parse(string text) => TryParse(text, out var id) ? id.Value : throw new FormatException($"'{text}' is no queue id.");

    public static bool TryParse(string text, [NotNullWhen(true)] out QueueId? id)
    {
        id = null;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var second = slash < 0 ? -1 : text.IndexOf('/', slash + 1);
        var dash = slash < 0 ? -1 : text.IndexOf('-', slash + 1);
        if (slash > 0 && dash > slash && second > dash && second + 1 < text.Length &&
            int.TryParse(text.AsSpan(slash + 1, dash - slash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var account) &&
            int.TryParse(text.AsSpan(dash + 1, second - dash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var shard))
        {
            id = new QueueId(text[..slash], account, text[(second + 1)..], shard);
        }

        return id is not null;
    }

    /// <summary>The form of a domain, or of an address literal (RFC 5321 §4.1.3), that names a queue.</summary>
    public static bool TryNormalizeDomain(string text, [NotNullWhen(true)] out string? domain)
    {
        if (!text.StartsWith('[') || !text.EndsWith(']'))
        {
            return AddressName.TryNormalizeDomain(text, out domain);
        }

        const string Ipv6 = "IPv6:";
        var literal = text[1..^1];
        var isIpv6 = literal.StartsWith(Ipv6, StringComparison.OrdinalIgnoreCase);
        domain = IPAddress.TryParse(isIpv6 ? literal[Ipv6.Length..] : literal, out var address) &&
            address.AddressFamily == (isIpv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork) && address is { IsIPv4MappedToIPv6: false } &&
            // Not "[1.2.3]", nor "[010.0.0.1]", which is another address elsewhere.
            (isIpv6 || address.ToString() == literal)
            ? isIpv6 ? $"[{Ipv6}{address}]" : $"[{address}]"
            : null;
        return domain is not null;
    }
}
