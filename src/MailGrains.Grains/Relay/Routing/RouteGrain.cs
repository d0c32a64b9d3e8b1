using System.Collections.Immutable;
using MailGrains.Contracts;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Destinations;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Grains.Relay.Routing;

/// <summary>The sender's own way to find out where mail goes, written down.</summary>
[StatelessWorker, Reentrant]
public sealed partial class RouteGrain(RelayRouting routing, Limits.DestinationOptions limits, ILogger<RouteGrain> logger) : Grain, IRouteGrain
{
    public async ValueTask<RouteFacts> FindAsync(QueueId queue, string reversePath, QueueRoute? order, CancellationToken cancellationToken)
    {
        var route = order is null ? routing.RouteOf(queue, reversePath) : RelayRouting.Ordered(queue, order);
        var facts = new RouteFacts(order is not null ? RouteOrigin.Ordered : route is not null ? RouteOrigin.Configured : RouteOrigin.Dns, [], [], [])
        {
            Rule = order is null && route is not null ? RuleOf(route) : null,
        };
        if (route is { Action: not RouteAction.Relay })
        {
            return facts;
        }

        var (target, failure) = await routing.FindAsync(queue, route, TlsWish.AsPolicy, cancellationToken);
        return target is null
            ? facts with { Failure = new RouteFailure(failure!.Code, failure.Enhanced, failure.Text) }
            : facts with
            {
                Hosts = [.. target.Hosts.Select(HostOf)],
                Skipped = [.. target.Skipped.Select(host => new SkippedRouteHost(host.Name, host.Preference, host.Reason))],
                Limits = await LimitsOfAsync(target.Key.Site, queue.Tenant, cancellationToken),
            };
    }

    private async Task<ImmutableArray<DestinationState>> LimitsOfAsync(string site, string tenant, CancellationToken cancellationToken)
    {
        var sources = limits.SourcesOf(site, tenant);
        var keys = sources.IsEmpty ? [new DestinationKey(site, null)] : sources.Select(source => new DestinationKey(site, source));
        try
        {
            return
            [
                .. await Task.WhenAll(keys.Select(key => GrainFactory.GetGrain<IDestinationGrain>(key.ToString()).GetStateAsync(cancellationToken).AsTask())),
            ];
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or StoreUnavailableException)
        {
            LogNotAsked(e, site);
            return [];
        }
    }

    private static RouteRule RuleOf(RelayRoute route) => new(route.Domain, route.Tenant, route.Sender, Lower(route.Action), route.User, route.Reason);

    private static RouteHost HostOf(TargetHost target)
    {
        var (host, tls) = (target.Host, target.Host.Tls);
        return new RouteHost(
            host.Name, target.Port, host.Preference, [.. host.Addresses.Select(address => address.ToString())], Lower(tls.Level), tls.ReferenceNames,
            tls.Policy.Type == TlsPolicyType.NoPolicyFound ? null : Lower(tls.Policy.Type))
        {
            IsTested = tls.IsTested,
            IsNameProven = host.IsNameProven,
        };
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    [LoggerMessage(1, LogLevel.Information, "The limits of site {Site} can't be asked for now.")]
    private partial void LogNotAsked(Exception e, string site);
}
