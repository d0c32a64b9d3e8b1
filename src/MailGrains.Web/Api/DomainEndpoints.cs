using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

internal static class DomainEndpoints
{
    public static void Map(RouteGroupBuilder domains)
    {
        domains.MapGet("", ListAsync).DescribeList<Page<NameView>>("ListDomains", "A tenant's domains by name, a page at a time");
        domains.MapGet("/{domain}", GetAsync).DescribeGet<DomainView>("GetDomain", "A domain");
        domains.MapPut("/{domain}", PutAsync).DescribePut<DomainBody, DomainView>("PutDomain", "Gives a tenant a domain, or changes it");
        domains.MapDelete("/{domain}", DeleteAsync).DescribeDelete("DeleteDomain", "Takes a domain without mailboxes and aliases from a tenant");
    }

    private static Task<IResult> ListAsync(IGrainFactory grains, string tenant, string? after, int? limit, CancellationToken cancellationToken) =>
        AdminApi.ListAsync(grains, tenant, DirectoryCollection.Domains, after, limit, name => new NameView(name), cancellationToken);

    private static async Task<IResult> GetAsync(IGrainFactory grains, string tenant, string domain, CancellationToken cancellationToken)
    {
        var name = PathNames.Domain(domain);
        return await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).FindDomainAsync(name, cancellationToken) is { } found
            ? TypedResults.Ok(View(name, found))
            : ApiProblems.NotFound("The tenant has no such domain.");
    }

    private static async Task<IResult> PutAsync(
        HttpContext context, IGrainFactory grains, string tenant, string domain, CancellationToken cancellationToken)
    {
        var tenantName = PathNames.Tenant(tenant);
        var grain = grains.GetGrain<ITenantGrain>(tenantName);
        var name = PathNames.Domain(domain);
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.DomainBody, new DomainBody());
        var outcome = await grain.PutDomainAsync(name, new DomainSettings(body.CatchAll, body.Postmaster) { BackupMx = body.BackupMx }, cancellationToken);
        var view = await grain.FindDomainAsync(name, cancellationToken) is { } found ? View(name, found) : new DomainView(name, null, null, false);
        return AdminApi.Put(outcome, view, "tenants", tenantName, "domains", name);
    }

    private static async Task<IResult> DeleteAsync(IGrainFactory grains, string tenant, string domain, CancellationToken cancellationToken) =>
        ApiProblems.Of(await grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant)).DeleteDomainAsync(PathNames.Domain(domain), cancellationToken));

    private static DomainView View(string name, DomainRecord record) =>
        new(name, record.Settings.CatchAll, record.Settings.Postmaster, record.Settings.BackupMx);
}
