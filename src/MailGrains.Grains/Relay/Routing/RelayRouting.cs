using System.Collections.Immutable;
using System.Globalization;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Relay.Destinations;

namespace MailGrains.Grains.Relay.Routing;

/// <summary>Finds out where mail goes: an operator's order for its queue, then the configured routes, then MX.</summary>
/// <param name="sourcesOf">The source addresses that a tenant's connections to a site have; see <see cref="Limits.DestinationOptions.SourcesOf"/>.</param>
/// <param name="isBackup">Whether a domain of ours is one whose mail we only keep for another server.</param>
public sealed class RelayRouting(
    RelayRoutes routes, DestinationLookup destinations, Func<string, string?, ImmutableArray<string>> sourcesOf, RelayOptions options,
    Func<string, CancellationToken, ValueTask<bool>> isBackup)
{
    private const int SmtpPort = 25;

    /// <summary>An operator's order for a queue as a route.</summary>
    public static RelayRoute Ordered(QueueId queue, QueueRoute order) =>
        new(queue.Domain) { Tenant = queue.Tenant, Hosts = [order.Host], Port = order.Port };

    /// <summary>The configured rule for some mail; null: as DNS says.</summary>
    public RelayRoute? RouteOf(QueueId queue, string reversePath)
    {
        var at = reversePath.LastIndexOf('@');
        return routes.RouteOf(queue.Tenant, queue.Domain, at < 0 ? null : DomainOf(reversePath[(at + 1)..]));
    }

    /// <param name="route">Relays, or null.</param>
    public async Task<(RelayTarget? Target, DestinationFailure? Failure)> FindAsync(
        QueueId queue, RelayRoute? route, TlsWish wish, CancellationToken cancellationToken)
    {
        if (route is not null)
        {
            return await FindHostsAsync(queue, route, wish, cancellationToken);
        }

        var found = wish == TlsWish.Lifted
            ? await destinations.FindWithoutPoliciesAsync(queue.Domain, cancellationToken)
            : await destinations.FindAsync(queue.Domain, cancellationToken);
        if (found.Failure is { } failure)
        {
            return (null, failure.Fault == DestinationFault.LoopsBack && await IsBackupAsync(queue.Domain, cancellationToken) ? failure.AsTemporary() : failure);
        }

        // RFC 8689 §4.2.1: a certificate proves nothing where the name itself is anybody's word.
        if (wish == TlsWish.Verified && !found.Hosts.Any(host => host.IsNameProven))
        {
            return (null, new DestinationFailure(
                DestinationFault.TlsPolicy, 550, "5.7.30", $"REQUIRETLS: neither DNSSEC nor MTA-STS says which servers {found.Domain} has"));
        }

        return (Target(queue, null, wish, found.Domain, [.. found.Hosts.Where(host => wish != TlsWish.Verified || host.IsNameProven).Select(host => new TargetHost(Wished(host, wish), options.Port))]) with { Skipped = found.Skipped }, null);
    }

    private async Task<(RelayTarget? Target, DestinationFailure? Failure)> FindHostsAsync(
        QueueId queue, RelayRoute route, TlsWish wish, CancellationToken cancellationToken)
    {
        var hosts = ImmutableArray.CreateBuilder<TargetHost>();
        var skipped = ImmutableArray.CreateBuilder<SkippedHost>();
        DestinationFailure? failure = null;
        foreach (var name in route.Hosts)
        {
            var found = await destinations.FindHostAsync(name, route.Port, cancellationToken);
            if (found.Failure is { } missing)
            {
                failure ??= missing;
                skipped.Add(new SkippedHost(name, 0, missing.Text) { MayComeBack = true });
            }

            hosts.AddRange(found.Hosts.Select(host => new TargetHost(Wished(WithTls(host, route), wish), route.Port)));
        }

        // A name that an operator wrote and that is not there is to be mended, not to be told to senders.
        return hosts.Count > 0 ? (Target(queue, route, wish, route.Hosts[0], hosts.ToImmutable()) with { Skipped = skipped.ToImmutable() }, null) : (null, failure!.AsTemporary());
    }

    private RelayTarget Target(QueueId queue, RelayRoute? route, TlsWish wish, string domain, ImmutableArray<TargetHost> hosts)
    {
        // Hosts of one preference come in random order: they are one site.
        var site = string.Join(',', (route is null ? hosts.OrderBy(host => host.Host.Preference).ThenBy(host => host.Host.Name) : hosts.AsEnumerable()).Select(SiteName));
        var tenant = sourcesOf(site, queue.Tenant).SequenceEqual(sourcesOf(site, null)) ? null : queue.Tenant;
        var login = route is null ? RelayLogin.None : new RelayLogin(route.Tls == RouteTls.Implicit, route.User, route.Password);
        var tls = string.Join(';', hosts.Select(TlsKey).Distinct().Order());
        return new RelayTarget(new TargetKey(site, tenant, wish, tls, login), domain, hosts) { IsRoute = route is not null };
    }

    /// <summary>Domains with one site may have other policies: a connection that is good enough for one is not for the other.</summary>
    private static string TlsKey(TargetHost host) => host.Host.Tls is { Level: TlsLevel.Opportunistic, IsTested: false }
        ? ""
        : $"{host.Host.Name} {host.Host.Tls.Level} {host.Host.Tls.IsTested} {string.Join(',', host.Host.Tls.ReferenceNames)} {host.Host.Tls.Policy.Key}";

    private static DestinationHost Wished(DestinationHost host, TlsWish wish) =>
        wish == TlsWish.Verified ? host with { Tls = host.Tls.AtLeastVerified(host.Name) } : host;

    /// <summary>We keep the domain's mail until a better MX takes it; not to be known now counts as yes.</summary>
    private async Task<bool> IsBackupAsync(string domain, CancellationToken cancellationToken)
    {
        try
        {
            return await isBackup(domain, cancellationToken);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or StoreUnavailableException)
        {
            return true;
        }
    }

    private static DestinationHost WithTls(DestinationHost host, RelayRoute route) => host with
    {
        // An operator named the host: a certificate for it is what is to be proven.
        IsNameProven = true,
        Tls = route.Tls switch
        {
            RouteTls.None => TlsRequirement.None,
            RouteTls.Required when host.Tls.Level < TlsLevel.Required => TlsRequirement.Required,
            RouteTls.Verified or RouteTls.Implicit => host.Tls.AtLeastVerified(host.Name),
            _ => host.Tls,
        },
    };

    private static string SiteName(TargetHost host) => host.Port == SmtpPort
        ? host.Host.Name
        : string.Create(CultureInfo.InvariantCulture, $"{host.Host.Name}:{host.Port}");

    private static string? DomainOf(string domain) =>
        AddressName.TryNormalizeDomain(domain, out var name) ? name : null;
}
