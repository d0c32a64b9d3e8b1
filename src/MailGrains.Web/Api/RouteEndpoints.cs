using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

/// <summary>What would happen to mail for an address now: asked of those who would do it, and nothing is done.</summary>
internal static class RouteEndpoints
{
    private const int MaxShown = 20;

    public static void Map(RouteGroupBuilder route) =>
        route.MapGet("", GetAsync).DescribeGet<RouteView>(
            "GetRoute", "What would happen to mail for an address now: mailboxes, queues, routes, hosts, TLS, limits");

    private static async Task<IResult> GetAsync(
        IGrainFactory grains, RecipientResolver resolver, string? to, string? from, string? tenant, CancellationToken cancellationToken)
    {
        var (address, domain) = ReadRecipient(to);
        var sender = ReadSender(from);
        var tenantName = string.IsNullOrEmpty(tenant) ? null : PathNames.Tenant(tenant);
        if (tenantName is not null && !await QueueEndpoints.HasTenantAsync(grains, tenantName, cancellationToken))
        {
            return QueueEndpoints.NoTenant();
        }

        tenantName ??= sender is null ? null : (await grains.GetGrain<IDomainGrain>(sender.Value.Domain).FindAsync(cancellationToken))?.Tenant;
        var resolution = address is null ? Resolution.Elsewhere(domain, null) : await resolver.ResolveAsync(address.Value, cancellationToken);
        var groups = resolution.Remotes.GroupBy(remote => (Tenant: remote.Tenant ?? tenantName, remote.Domain)).ToList();
        var shown = groups.Take(MaxShown).ToList();
        var remotes = await Task.WhenAll(shown.Select(group => ViewAsync(
            grains, group.Key.Tenant, group.Key.Domain, [.. group.Select(remote => remote.Member ?? to!)],
            ReversePathOf(sender, group.First(), domain), cancellationToken)));
        return TypedResults.Ok(new RouteView(
            address?.ToString() ?? to!, OutcomeOf(resolution.Outcome), ReplyOf(resolution.Outcome),
            [.. resolution.Targets.Select(target => new RouteMailboxView(target.Mailbox.ToString(), target.Detail))], remotes,
            groups.Skip(MaxShown).Sum(group => group.Count())));
    }

    private static async Task<RemoteView> ViewAsync(
        IGrainFactory grains, string? tenant, string domain, IReadOnlyList<string> addresses, string reversePath, CancellationToken cancellationToken)
    {
        QueueOverview? queue = null;
        if (tenant is not null)
        {
            var shards = await QueueEndpoints.ShardsAsync(grains, tenant, domain, cancellationToken);
            queue = QueueOverview.Sum(await Task.WhenAll(shards.Select(shard => shard.GetOverviewAsync(cancellationToken).AsTask())));
        }

        var facts = await FindAsync(grains, queue?.Queue ?? new QueueId("", 0, domain, 0), reversePath, queue?.Route, cancellationToken);
        return new RemoteView(tenant, domain, addresses, queue is null ? null : QueueView.Of(queue), facts is null ? null : RouteFactsView.Of(facts));
    }

    private static async Task<RouteFacts?> FindAsync(
        IGrainFactory grains, QueueId queue, string reversePath, QueueRoute? order, CancellationToken cancellationToken)
    {
        try
        {
            return await grains.GetGrain<IRouteGrain>(0).FindAsync(queue, reversePath, order, cancellationToken);
        }
        catch (Exception e) when (e is ArgumentException or OrleansException or TimeoutException or StoreUnavailableException)
        {
            // No silo of the role relay is there, or it can't tell now: the rest of the answer still holds.
            return null;
        }
    }

    /// <summary>The address, or the domain alone where it is a literal, which nobody hosts.</summary>
    private static (AddressName? Address, string Domain) ReadRecipient(string? to)
    {
        to ??= "";
        var at = to.LastIndexOf('@');
        return AddressName.TryParse(to, out var address) ? (address, address.Domain)
            : at > 0 && to.AsSpan(at + 1).StartsWith('[') && QueueId.TryNormalizeDomain(to[(at + 1)..], out var literal) ? (null, literal)
            : throw new ApiException(StatusCodes.Status400BadRequest, "to is the recipient's address.");
    }

    /// <summary>Null: the null reverse-path, or nothing was said.</summary>
    private static AddressName? ReadSender(string? from) => from is null or "" or "<>" ? null
        : AddressName.TryParse(from, out var address) ? address
        : throw new ApiException(StatusCodes.Status400BadRequest, "from is the sender's address, or <>.");

    /// <summary>Mail that an alias sends elsewhere goes in the name of the alias' domain.</summary>
    private static string ReversePathOf(AddressName? sender, RemoteTarget remote, string domain) =>
        sender is null ? "" : remote.Member is null ? sender.Value.ToString() : $"{sender.Value.Localpart}@{domain}";

    private static string OutcomeOf(ResolutionOutcome outcome) => outcome switch
    {
        ResolutionOutcome.Resolved => "resolved",
        ResolutionOutcome.NoSuchUser => "noSuchUser",
        ResolutionOutcome.NotLocal => "notLocal",
        ResolutionOutcome.Loop => "loop",
        _ => "tooLarge",
    };

    private static string ReplyOf(ResolutionOutcome outcome) => outcome switch
    {
        ResolutionOutcome.Resolved => "250 2.1.5",
        ResolutionOutcome.NoSuchUser => "550 5.1.1",
        ResolutionOutcome.NotLocal => "550 5.7.1",
        ResolutionOutcome.Loop => "550 5.4.6",
        _ => "451 4.3.5",
    };
}
