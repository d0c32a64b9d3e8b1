using MailGrains.Contracts.Certificates;
using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

/// <summary>The certificates that are ordered by ACME: of the service's names, and of tenants' names that lead here.</summary>
internal static class CertificateEndpoints
{
    public static void Map(RouteGroupBuilder certificates)
    {
        certificates.MapGet("", ListAsync).DescribeList<Page<CertificateView>>(
            "ListCertificates", "Ordered certificates, a page at a time: names, end, next order, last error");
        certificates.MapPost("/renew", RenewAsync).DescribeRenewal(
            "RenewCertificates", "Orders the certificate of a name anew; without a name, looks at all names now");
    }

    private static async Task<IResult> ListAsync(IGrainFactory grains, string? after, int? limit, CancellationToken cancellationToken)
    {
        var rows = AdminApi.LimitOf(limit, CertificatePage.MaxLimit);
        var page = await Grain(grains).ListAsync(string.IsNullOrEmpty(after) ? null : after, rows, cancellationToken);
        return TypedResults.Ok(new Page<CertificateView>([.. page.Certificates.Select(CertificateView.Of)], page.Next));
    }

    private static async Task<IResult> RenewAsync(HttpContext context, IGrainFactory grains)
    {
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.RenewBody, new RenewBody());
        var name = body.Name is null ? null
            : AddressName.TryNormalizeDomain(body.Name, out var normal) ? normal
            : throw new ApiException(StatusCodes.Status400BadRequest, "name is a domain name.");
        return await Grain(grains).RenewAsync(name, context.RequestAborted) switch
        {
            RenewOutcome.Begun => TypedResults.StatusCode(StatusCodes.Status202Accepted),
            RenewOutcome.NotFound => ApiProblems.NotFound("No ordered certificate is for this name."),
            RenewOutcome.TooOften => ApiProblems.Of(
                StatusCodes.Status409Conflict, "It was ordered, or failed, too often lately: the authority's limits are five failures an hour and five equal certificates a week."),
            _ => ApiProblems.Of(StatusCodes.Status409Conflict, "No certificates are ordered: MailGrains:Acme:Directory is empty."),
        };
    }

    private static ICertificateGrain Grain(IGrainFactory grains)
    {
        try
        {
            return grains.GetGrain<ICertificateGrain>(0);
        }
        catch (ArgumentException)
        {
            throw new ApiException(StatusCodes.Status503ServiceUnavailable, "No process of the role gateway is there, and only those order certificates.");
        }
    }

    private static RouteHandlerBuilder DescribeRenewal(this RouteHandlerBuilder endpoint, string name, string summary)
    {
        endpoint.WithName(name).WithSummary(summary).Accepts<RenewBody>(isOptional: true, "application/json").Produces(StatusCodes.Status202Accepted);
        foreach (var status in (int[])[400, 401, 404, 409, 413, 415, 429, 503])
        {
            endpoint.ProducesProblem(status);
        }

        return endpoint;
    }
}

/// <param name="Name">One of the certificate's; null: all names are looked at, and what is due is ordered.</param>
internal sealed record RenewBody(string? Name = null);

/// <param name="Tenant">Null: it is the service's own.</param>
/// <param name="NotAfter">Null: there is none yet.</param>
/// <param name="NextOrder">At the earliest.</param>
/// <param name="LastError">Null: the last order went well.</param>
internal sealed record CertificateView(
    IReadOnlyList<string> Names, string? Tenant, DateTimeOffset? NotAfter, DateTimeOffset? NextOrder, string? LastError, DateTimeOffset? FailingSince)
{
    public static CertificateView Of(CertificateState state)
    {
        var tenant = state.Key[..state.Key.IndexOf('/', StringComparison.Ordinal)];
        return new(state.Names, tenant.Length == 0 ? null : tenant, state.NotAfter, state.NextTry, state.LastError, state.FailingSince);
    }
}
