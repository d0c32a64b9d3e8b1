using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

internal static class TenantEndpoints
{
    public static void Map(RouteGroupBuilder tenants)
    {
        tenants.MapGet("", ListAsync).DescribeList<Page<NameView>>("ListTenants", "Tenants by name, a page at a time");
        tenants.MapGet("/{tenant}", GetAsync).DescribeGet<TenantView>("GetTenant", "A tenant");
        tenants.MapPut("/{tenant}", PutAsync).DescribePut<TenantBody, TenantView>("PutTenant", "Makes or changes a tenant");
        tenants.MapDelete("/{tenant}", DeleteAsync).DescribeDelete("DeleteTenant", "Deletes a tenant that has no domains, and no mail in its queues");
    }

    private static Task<IResult> ListAsync(IGrainFactory grains, string? after, int? limit, CancellationToken cancellationToken) =>
        AdminApi.ListAsync(
            page => grains.GetGrain<IDirectoryGrain>(0).ListTenantsAsync(page.After, page.Limit, cancellationToken),
            after,
            limit,
            name => new NameView(name));

    private static async Task<IResult> GetAsync(IGrainFactory grains, string tenant, CancellationToken cancellationToken) =>
        await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).FindAsync(cancellationToken) is { } found
            ? TypedResults.Ok(View(found.Name, found.Settings))
            : ApiProblems.NotFound("There is no such tenant.");

    private static async Task<IResult> PutAsync(HttpContext context, IGrainFactory grains, string tenant, CancellationToken cancellationToken)
    {
        var name = PathNames.Tenant(tenant);
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.TenantBody, new TenantBody());
        var settings = new TenantSettings(body.DisplayName) { OAuth = body.OAuth?.Read(), Limits = body.Limits?.Read(), Postmaster = body.Postmaster };
        var outcome = await grains.GetGrain<ITenantGrain>(name).PutAsync(settings, cancellationToken);
        return AdminApi.Put(outcome, View(name, settings), "tenants", name);
    }

    private static async Task<IResult> DeleteAsync(IGrainFactory grains, string tenant, CancellationToken cancellationToken) =>
        await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).DeleteAsync(cancellationToken) is var outcome and not DeleteOutcome.NotEmpty
            ? ApiProblems.Of(outcome)
            : ApiProblems.Of(
                StatusCodes.Status409Conflict, "It still has domains, or mail waits in its queues: delete its domains, and drop its mail or let it go.");

    private static TenantView View(string name, TenantSettings settings) =>
        new(name, settings.DisplayName, OAuthForm.Of(settings.OAuth), LimitsForm.Of(settings.Limits), settings.Postmaster);
}
