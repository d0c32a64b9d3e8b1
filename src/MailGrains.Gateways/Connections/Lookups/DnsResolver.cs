using System.Net;
using System.Net.Sockets;
using DnsClient;

namespace MailGrains.Gateways.Connections.Lookups;

/// <summary>
/// Questions to the resolvers, of which so many may wait at a time: one more counts as failed at once. Nothing is kept here, since clients choose what is
/// asked and how long an answer would be kept; resolvers have a cache.
/// </summary>
public sealed class DnsResolver(ConnectionOptions options)
{
    private const int MaxWaiting = 512;

    // A lost datagram is sent again in time for the caller's limit.
    private static readonly TimeSpan RepeatAfter = TimeSpan.FromSeconds(1);

    private readonly Lazy<LookupClient> _client = new(() => new LookupClient(
        new LookupClientOptions([.. options.DnsServers])
        {
            Timeout = RepeatAfter,
            Retries = 2,
            UseCache = false,
            ThrowDnsErrors = false,
            UseRandomNameServer = false,
        }));

    private int _waiting;

    /// <summary>Never throws.</summary>
    internal async Task<DnsAnswer> AskAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting)
            {
                return DnsAnswer.Failed;
            }

            var response = await _client.Value.QueryAsync(name, type, QueryClass.IN, cancellationToken);
            return response.Header.ResponseCode switch
            {
                DnsHeaderResponseCode.NoError => Of([.. response.Answers.Where(r => (int)r.RecordType == (int)type)]),
                DnsHeaderResponseCode.NotExistentDomain => DnsAnswer.None,
                _ => DnsAnswer.Failed,
            };
        }
        catch (Exception e) when (e is OperationCanceledException or DnsResponseException or SocketException or IOException or ArgumentException
            or InvalidOperationException)
        {
            return DnsAnswer.Failed;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary><c>1.2.0.192</c>, or the nibbles of IPv6 (RFC 5782 §2.4): where reverse zones and block lists keep an address.</summary>
    internal static string Reversed(IPAddress address)
    {
        var bytes = NetworkList.Plain(address).GetAddressBytes();
        Array.Reverse(bytes);
        return bytes.Length == 4
            ? string.Join('.', bytes)
            : string.Join('.', bytes.Select(b => $"{b & 15:x}.{b >> 4:x}"));
    }

    private static DnsAnswer Of(DnsClient.Protocol.DnsResourceRecord[] records) => records.Length == 0 ? DnsAnswer.None : new(DnsOutcome.Found, records);
}
