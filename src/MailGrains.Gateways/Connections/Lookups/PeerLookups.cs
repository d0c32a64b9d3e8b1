using System.Net;
using MailGrains.Messages.Dns;

namespace MailGrains.Gateways.Connections.Lookups;

[Flags]
public enum WantedLookups
{
    None = 0,
    ReverseName = 1,
    Listing = 2,
}

/// <summary>What DNS knows of a client: asked when it connects, so that the answers are there when they are needed.</summary>
public sealed class PeerLookups(DnsResolver resolver, Dnsbl dnsbl, ConnectionOptions options, GatewayMetrics metrics, TimeProvider time)
{
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>Of a trusted client nothing is asked.</summary>
    internal void Begin(PeerFacts peer, WantedLookups wanted)
    {
        if (peer.IsTrusted)
        {
            return;
        }

        if (wanted.HasFlag(WantedLookups.ReverseName) && options.ReverseNames)
        {
            peer.ReverseName = FindNameAsync(peer.Address);
        }

        if (wanted.HasFlag(WantedLookups.Listing) && options.DnsblZones.Count > 0)
        {
            peer.Listing = FindListingAsync(peer.Address);
        }
    }

    private async Task<ReverseName> FindNameAsync(IPAddress address)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        var name = await ReverseName.OfAsync(resolver, address, limit.Token);
        if (name.Status == ReverseNameStatus.TempError)
        {
            metrics.LookupFailed("reverse");
        }

        return name;
    }

    private async Task<DnsblListing?> FindListingAsync(IPAddress address)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        return await dnsbl.FindAsync(address, limit.Token);
    }
}
