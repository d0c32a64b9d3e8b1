using System.Net;
using MailGrains.Gateways.Connections.Lookups;
using Microsoft.AspNetCore.Connections;

namespace MailGrains.Gateways.Connections;

/// <summary>What is known of a client before it has said anything: a feature of its connection.</summary>
public sealed class PeerFacts
{
    internal PeerFacts(ConnectionContext connection, ConnectionOptions options)
    {
        Address = NetworkList.Plain((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None);
        var proxied = connection.Features.Get<ProxyHeader>();
        ViaProxy = proxied is not null;

        // A proxy that names no client does not lend its own trust.
        var isKnown = proxied is not { Source: null };
        IsTrusted = isKnown && options.TrustedNetworks.Contains(Address);
        MayRelay = isKnown && options.RelayNetworks.Contains(Address);
        IsClearTextAllowed = !ViaProxy && IPAddress.IsLoopback(Address) && IsLoopback(connection.LocalEndPoint);
    }

    /// <summary>Of the client itself where a proxy stands between; an IPv4 address is never mapped into IPv6.</summary>
    public IPAddress Address { get; }

    /// <summary>In <c>MailGrains:Smtp:TrustedNetworks</c>.</summary>
    public bool IsTrusted { get; }

    /// <summary>In <c>MailGrains:Smtp:RelayNetworks</c>.</summary>
    public bool MayRelay { get; }

    public bool ViaProxy { get; }

    /// <summary>Both ends are on this machine, so that nobody can listen to a password in clear.</summary>
    public bool IsClearTextAllowed { get; }

    /// <summary>Ends within three seconds and never fails.</summary>
    public Task<ReverseName> ReverseName { get; internal set; } = Task.FromResult(Lookups.ReverseName.NotLookedUp);

    /// <summary>Null: on no block list, as far as could be known. Ends within three seconds and never fails.</summary>
    public Task<DnsblListing?> Listing { get; internal set; } = Task.FromResult<DnsblListing?>(null);

    private static bool IsLoopback(EndPoint? endPoint) => endPoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(NetworkList.Plain(address));
}
