using System.Collections.Concurrent;
using System.Net;
using DnsClient;
using DnsClient.Protocol;
using MailGrains.Messages.Dns;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Connections.Lookups;

/// <summary>Asks all configured block lists at once. A list that fails, or that answers with an error of its own, lists nobody.</summary>
public sealed partial class Dnsbl(DnsResolver resolver, ConnectionOptions options, GatewayMetrics metrics, TimeProvider time, ILogger<Dnsbl> logger)
{
    private const int MaxTextLength = 200;
    private static readonly TimeSpan LogPeriod = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, long> _logged = new();

    /// <summary>The listing of the first list, in the configured order, that has the address.</summary>
    internal async Task<DnsblListing?> FindAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var name = DnsResolver.Reversed(address);
        var listings = await Task.WhenAll(options.DnsblZones.Select(zone => FindAsync(zone, $"{name}.{zone.Zone}", cancellationToken)));
        return listings.FirstOrDefault(l => l is not null);
    }

    private async Task<DnsblListing?> FindAsync(DnsblZone zone, string name, CancellationToken cancellationToken)
    {
        var answer = await resolver.AskAsync(name, QueryType.A, cancellationToken);
        if (answer.Outcome == DnsOutcome.Failed)
        {
            metrics.LookupFailed("dnsbl");
            LogNow(zone, "no answer");
            return null;
        }

        IPAddress[] codes = [.. answer.Records.OfType<ARecord>().Select(r => r.Address)];
        if (codes.FirstOrDefault(DnsblZone.IsError) is { } error)
        {
            // Spamhaus and others: asked through a public resolver, or too often.
            metrics.LookupFailed("dnsbl");
            LogNow(zone, error.ToString());
        }

        return codes.FirstOrDefault(zone.Lists) is { } code
            ? new DnsblListing(zone.Zone, code, Text(await resolver.AskAsync(name, QueryType.TXT, cancellationToken)))
            : null;
    }

    private static string? Text(DnsAnswer answer)
    {
        var text = string.Concat(answer.Records.OfType<TxtRecord>().Take(1).SelectMany(r => r.Text));
        var clean = new string([.. text.Take(MaxTextLength).Select(c => c is >= ' ' and <= '~' ? c : '?')]).Trim();
        return clean.Length == 0 ? null : clean;
    }

    // Once in a while for each list: it is asked for every connection.
    private void LogNow(DnsblZone zone, string why)
    {
        var now = time.GetTimestamp();
        if (!_logged.TryGetValue(zone.Zone, out var last) || time.GetElapsedTime(last, now) >= LogPeriod)
        {
            _logged[zone.Zone] = now;
            LogFailed(zone.Zone, why);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The block list {Zone} does not work, nobody counts as listed there: {Why}")]
    private partial void LogFailed(string zone, string why);
}
