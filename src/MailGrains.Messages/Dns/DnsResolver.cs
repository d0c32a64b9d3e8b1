using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;

namespace MailGrains.Messages.Dns;

/// <summary>
/// Questions to the resolvers, of which so many may wait at a time. Nothing is kept here: where clients choose what is asked, they would choose how long
/// an answer is kept, and resolvers have a cache.
/// </summary>
public sealed class DnsResolver(DnsResolverOptions options)
{
    private const int Repeats = 2;

    // Resolvers follow aliases themselves, and stop at about as many.
    private const int MaxAliases = 8;

    private readonly Lazy<LookupClient> _client = new(() => new LookupClient(
        new LookupClientOptions([.. options.Servers])
        {
            Timeout = options.RepeatAfter,
            Retries = Repeats,
            RequestDnsSecRecords = options.TrustsAuthenticatedData,
            UseCache = false,
            ThrowDnsErrors = false,
            UseRandomNameServer = false,
        }));

    private int _waiting;

    /// <param name="name">A host name, or one with labels such as <c>_25._tcp</c>; ASCII.</param>
    /// <remarks>Never throws; where it is cancelled, the answer is <see cref="DnsOutcome.Failed"/>.</remarks>
    public async Task<DnsAnswer> AskAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > options.MaxWaiting)
            {
                return Failed(name, "too many questions wait");
            }

            var answer = await AskOnceAsync(name, type, cancellationToken);

            // Some servers leave it to their client to go on from an alias.
            for (var i = 0; answer is { IsOpenAlias: true } alias; i++)
            {
                if (i == MaxAliases)
                {
                    return Failed(name, "too many aliases");
                }

                var next = await AskOnceAsync(alias.Name, type, cancellationToken);
                answer = next with
                {
                    IsAuthenticated = next.IsAuthenticated && alias.IsAuthenticated,
                    TimeToLive = Shorter(next.TimeToLive, alias.TimeToLive),
                };
            }

            return answer;
        }
        catch (OperationCanceledException)
        {
            return Failed(name, "no answer in time");
        }
        catch (Exception e)
        {
            // A client library's answer to what arrives: there is no list of what it may throw.
            return Failed(name, e is DnsResponseException { Code: DnsResponseCode.ConnectionTimeout } or SocketException ? "no answer" : "an answer that can't be read");
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary><c>1.2.0.192</c>, or the nibbles of IPv6 (RFC 5782 §2.4): where reverse zones and block lists keep an address.</summary>
    public static string Reversed(IPAddress address)
    {
        var bytes = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes();
        Array.Reverse(bytes);
        return bytes.Length == 4
            ? string.Join('.', bytes)
            : string.Join('.', bytes.Select(b => $"{b & 15:x}.{b >> 4:x}"));
    }

    private async Task<DnsAnswer> AskOnceAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        var response = await _client.Value.QueryAsync(name, type, QueryClass.IN, cancellationToken);
        return response.Header.ResponseCode switch
        {
            DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain => Read(name, type, response),
            DnsHeaderResponseCode.ServerFailure => Failed(name, "SERVFAIL"),
            DnsHeaderResponseCode.Refused => Failed(name, "REFUSED"),
            var code => Failed(name, code.ToString()),
        };
    }

    /// <summary>The records at the end of the aliases; anything else in the answer counts for nothing.</summary>
    private DnsAnswer Read(string name, QueryType type, IDnsQueryResponse response)
    {
        var (owner, aliasTtl) = (name.ToLowerInvariant(), TimeSpan.MaxValue);
        var isAuthenticated = options.TrustsAuthenticatedData && response.Header.IsAuthenticData;
        for (var i = 0; i <= MaxAliases; i++)
        {
            DnsResourceRecord[] records = [.. response.Answers.Where(r => (int)r.RecordType == (int)type && r.DomainName.Plain() == owner)];
            if (records.Length > 0)
            {
                var ttl = TimeSpan.FromSeconds(records.Min(r => r.InitialTimeToLive));
                return new DnsAnswer(DnsOutcome.Found, owner, records) { IsAuthenticated = isAuthenticated, TimeToLive = Shorter(ttl, aliasTtl) };
            }

            if (response.Answers.OfType<CNameRecord>().FirstOrDefault(r => r.DomainName.Plain() == owner) is not { } alias)
            {
                return Absent(owner, aliasTtl, response) with { IsAuthenticated = isAuthenticated };
            }

            (owner, aliasTtl) = (alias.CanonicalName.Plain(), Shorter(TimeSpan.FromSeconds(alias.InitialTimeToLive), aliasTtl));
        }

        return Failed(name, "too many aliases");
    }

    private static DnsAnswer Absent(string owner, TimeSpan aliasTtl, IDnsQueryResponse response)
    {
        var soa = response.Authorities.OfType<SoaRecord>().FirstOrDefault();
        if (response.Header.ResponseCode == DnsHeaderResponseCode.NoError && soa is null && aliasTtl < TimeSpan.MaxValue)
        {
            return new DnsAnswer(DnsOutcome.NoData, owner, []) { TimeToLive = aliasTtl, IsOpenAlias = true };
        }

        // RFC 2308 §5
        var ttl = soa is null ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(soa.InitialTimeToLive, soa.Minimum));
        var outcome = response.Header.ResponseCode == DnsHeaderResponseCode.NotExistentDomain ? DnsOutcome.NoName : DnsOutcome.NoData;
        return new DnsAnswer(outcome, owner, []) { TimeToLive = Shorter(ttl, aliasTtl) };
    }

    private static DnsAnswer Failed(string name, string why) => new(DnsOutcome.Failed, name, []) { Failure = why };

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
