using System.Net;
using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

/// <summary>Failed logins: of an account, and of a client's address whatever account they were for.</summary>
internal static class LockoutEndpoints
{
    public static void MapAccounts(RouteGroupBuilder mailboxes)
    {
        mailboxes.MapGet("/{address}/lockout", GetAccountAsync).DescribeGet<LockoutView>("GetLockout", "An account's failed logins");
        mailboxes.MapDelete("/{address}/lockout", LiftAccountAsync).DescribeDelete("LiftLockout", "Forgets an account's failed logins");
    }

    public static void MapSources(RouteGroupBuilder lockouts)
    {
        lockouts.MapGet("/{address}", GetSourceAsync).DescribeGet<LockoutView>(
            "GetSourceLockout", "The failed logins from a client's address; of IPv6, from its network of 64 bits");
        lockouts.MapDelete("/{address}", LiftSourceAsync).DescribeDelete("LiftSourceLockout", "Forgets the failed logins from a client's address");
    }

    private static async Task<IResult> GetAccountAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken) =>
        await AccountAsync(context, grains, tenant, address, cancellationToken) is { } account
            ? TypedResults.Ok(View(await account.GetLockoutAsync(cancellationToken)))
            : ApiProblems.NotFound("The tenant has no such mailbox.");

    private static async Task<IResult> LiftAccountAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        if (await AccountAsync(context, grains, tenant, address, cancellationToken) is not { } account)
        {
            return ApiProblems.NotFound("The tenant has no such mailbox.");
        }

        await account.LiftLockoutAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    /// <summary>Asked of the tenant first: an account that it does not have is no business of its operator, and keeps no activation.</summary>
    private static async ValueTask<IAccountGrain?> AccountAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var (tenantName, name) = (PathNames.Tenant(tenant), PathNames.Address(context, address, following: 1));
        return await grains.GetGrain<ITenantGrain>(tenantName).FindMailboxAsync(name, cancellationToken) is null
            ? null
            : grains.GetGrain<IAccountGrain>(AccountKey.Of(tenantName, name));
    }

    private static async Task<IResult> GetSourceAsync(IGrainFactory grains, string address, CancellationToken cancellationToken) =>
        TypedResults.Ok(View(await Source(grains, address).GetStateAsync(cancellationToken)));

    private static async Task<IResult> LiftSourceAsync(IGrainFactory grains, string address, CancellationToken cancellationToken)
    {
        await Source(grains, address).LiftAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static ILoginSourceGrain Source(IGrainFactory grains, string address) => IPAddress.TryParse(address, out var parsed)
        ? grains.GetGrain<ILoginSourceGrain>(LoginPeer.Of(parsed))
        : throw new ApiException(StatusCodes.Status400BadRequest, "This is no IP address.");

    private static LockoutView View(LockoutState state) => new(state.Failures, state.LockedUntil, state.LastPeer, state.Reason);
}
