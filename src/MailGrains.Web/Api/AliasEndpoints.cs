using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

internal static class AliasEndpoints
{
    public static void Map(RouteGroupBuilder aliases)
    {
        aliases.MapGet("", ListAsync).DescribeList<Page<AddressView>>("ListAliases", "A tenant's aliases by domain and name, a page at a time");
        aliases.MapGet("/{address}", GetAsync).DescribeGet<AliasView>("GetAlias", "An alias");
        aliases.MapPut("/{address}", PutAsync).DescribePut<AliasBody, AliasView>("PutAlias", "Makes or changes an alias");
        aliases.MapDelete("/{address}", DeleteAsync).DescribeDelete("DeleteAlias", "Deletes an alias");
    }

    private static Task<IResult> ListAsync(IGrainFactory grains, string tenant, string? after, int? limit, CancellationToken cancellationToken) =>
        AdminApi.ListAsync(grains, tenant, DirectoryCollection.Aliases, after, limit, address => new AddressView(address), cancellationToken);

    private static async Task<IResult> GetAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var name = PathNames.Address(context, address);
        return await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).FindAliasAsync(name, cancellationToken) is { } found
            ? TypedResults.Ok(new AliasView(name.ToString(), found.Targets))
            : ApiProblems.NotFound("The tenant has no such alias.");
    }

    private static async Task<IResult> PutAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken)
    {
        var tenantName = PathNames.Tenant(tenant);
        var grain = grains.GetGrain<ITenantGrain>(tenantName);
        var name = PathNames.Address(context, address);
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.AliasBody, new AliasBody());
        var outcome = await grain.PutAliasAsync(name, [.. body.Targets ?? []], cancellationToken);
        return ApiProblems.Of(outcome) is { } problem
            ? problem
            : await grain.FindAliasAsync(name, cancellationToken) is { } found
                ? AdminApi.Put(outcome, new AliasView(name.ToString(), found.Targets), "tenants", tenantName, "aliases", name.ToString())
                : ApiProblems.NotFound("The alias was deleted meanwhile.");
    }

    private static async Task<IResult> DeleteAsync(
        HttpContext context, IGrainFactory grains, string tenant, string address, CancellationToken cancellationToken) =>
        ApiProblems.Of(
            await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).DeleteAliasAsync(PathNames.Address(context, address), cancellationToken));
}
