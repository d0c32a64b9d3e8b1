using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Web.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Web.Api;

/// <summary>
/// The admin API. A PUT is idempotent (201 made, 200 changed or same), the parent must exist (404), a DELETE answers 204, a collection is
/// read in pages: <c>?after=&amp;limit=</c>, where <c>next</c> of a page is <c>after</c> of the next.
/// </summary>
internal static class AdminApi
{
    public const string Prefix = "/api/v1";

    private const int DefaultLimit = 100;

    public static void Map(IEndpointRouteBuilder app)
    {
        var api = app.MapGroup(Prefix).RequireAuthorization(OperatorPolicy.Api);
        ApiProblems.Catch(api);
        TenantEndpoints.Map(api.MapGroup("/tenants").WithTags("Tenants"));
        DomainEndpoints.Map(api.MapGroup("/tenants/{tenant}/domains").WithTags("Domains"));
        var mailboxes = api.MapGroup("/tenants/{tenant}/mailboxes").WithTags("Mailboxes");
        MailboxEndpoints.Map(mailboxes);
        LockoutEndpoints.MapAccounts(mailboxes);
        AppPasswordEndpoints.Map(mailboxes);
        AliasEndpoints.Map(api.MapGroup("/tenants/{tenant}/aliases").WithTags("Aliases"));
        QueueEndpoints.MapAll(api.MapGroup("/queues").WithTags("Queues"));
        var queues = api.MapGroup("/tenants/{tenant}/queues").WithTags("Queues");
        QueueEndpoints.Map(queues);
        QueueOrderEndpoints.Map(queues);
        RouteEndpoints.Map(api.MapGroup("/route").WithTags("Queues"));
        CertificateEndpoints.Map(api.MapGroup("/certificates").WithTags("Certificates"));
        LockoutEndpoints.MapSources(api.MapGroup("/lockouts").WithTags("Lockouts"));

        // Users show a password of their own, and no operator's key opens an account.
        var users = app.MapGroup(Prefix + UserEndpoints.Path).WithTags("Me");
        ApiProblems.Catch(users);
        users.AddEndpointFilter(app.ServiceProvider.GetRequiredService<UserLogin>());
        UserEndpoints.Map(users);
    }

    /// <summary>The answer to a PUT: a problem, or the resource as it is now; made anew, it says where it is, by the names as they are kept.</summary>
    public static IResult Put<T>(PutOutcome outcome, T view, params ReadOnlySpan<string> location)
    {
        if (ApiProblems.Of(outcome) is { } problem)
        {
            return problem;
        }

        if (outcome.Status != PutStatus.Created)
        {
            return TypedResults.Ok(view);
        }

        var path = new StringBuilder(Prefix);
        foreach (var segment in location)
        {
            path.Append('/').Append(Uri.EscapeDataString(segment).Replace("%40", "@", StringComparison.Ordinal));
        }

        return TypedResults.Created(path.ToString(), view);
    }

    /// <summary>One page of a tenant's collection; 404 where there is no such tenant.</summary>
    public static async Task<IResult> ListAsync<T>(
        IGrainFactory grains, string tenant, DirectoryCollection collection, string? after, int? limit, Func<string, T> view,
        CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<ITenantGrain>(PathNames.Tenant(tenant));
        return await grain.FindAsync(cancellationToken) is null
            ? ApiProblems.NotFound("There is no such tenant.")
            : await ListAsync(page => grain.ListAsync(collection, page.After, page.Limit, cancellationToken), after, limit, view);
    }

    public static async Task<IResult> ListAsync<T>(
        Func<(string? After, int Limit), ValueTask<DirectoryPage>> list, string? after, int? limit, Func<string, T> view)
    {
        var rows = LimitOf(limit, DirectoryPage.MaxLimit);
        try
        {
            var page = await list((after, rows));
            return TypedResults.Ok(new Page<T>([.. page.Names.Select(view)], page.Next));
        }
        catch (ArgumentException)
        {
            throw NoPage();
        }
    }

    /// <summary>How many items a page has at the most.</summary>
    public static int LimitOf(int? limit, int most) => (limit ?? DefaultLimit) is var rows && rows >= 1 && rows <= most
        ? rows
        : throw new ApiException(StatusCodes.Status400BadRequest, $"limit is 1 to {most}.");

    public static ApiException NoPage() => new(StatusCodes.Status400BadRequest, "after is the next of a page.");
}
