using MailGrains.Contracts.Directory;
using MailGrains.Web.Api;
using MailGrains.Web.Operators;
using MailGrains.Web.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Dashboard;

namespace MailGrains.Web;

/// <summary>
/// The operator's side of the web host. The host calls <see cref="AddMailGrainsWeb"/>, then <see cref="UseMailGrainsWeb"/> before it maps
/// anything, then maps what its roles have; it makes the silo's <c>AddDashboard</c> itself, on every silo.
/// </summary>
public static class MailGrainsWeb
{
    private const string DashboardPath = "/dashboard";
    private const string PagesScheme = "OperatorKey";
    private const string ApiScheme = "OperatorKey.Bearer";

    public static IServiceCollection AddMailGrainsWeb(this IServiceCollection services, AdminOptions options)
    {
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RecipientResolver>();
        services.AddSingleton<FailureThrottle>();
        services.AddSingleton<UserLogin>();
        services.AddAuthentication()
            .AddScheme<OperatorKeySchemeOptions, OperatorKeyHandler>(PagesScheme, scheme => scheme.AllowBasic = true)
            .AddScheme<OperatorKeySchemeOptions, OperatorKeyHandler>(ApiScheme, scheme => scheme.AllowBasic = false);
        services.AddAuthorizationBuilder()
            .AddPolicy(OperatorPolicy.Name, policy => policy.AddAuthenticationSchemes(PagesScheme).RequireAuthenticatedUser())
            .AddPolicy(OperatorPolicy.Api, policy => policy.AddAuthenticationSchemes(ApiScheme).RequireAuthenticatedUser());
        services.AddProblemDetails();
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = false);
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default));
        services.AddOpenApi("v1", ApiDescription.Configure);
        return services;
    }

    /// <summary>Answers without a body become problem+json (RFC 9457); what is not answered in clear; authentication; what the dashboard must not do.</summary>
    /// <param name="publicHttpsPort">Where clients reach HTTPS; null: it is not served, and all is answered in clear.</param>
    public static WebApplication UseMailGrainsWeb(this WebApplication app, int? publicHttpsPort = null)
    {
        app.UseStatusCodePages(context => ApiProblems.Of(context.HttpContext.Response.StatusCode).ExecuteAsync(context.HttpContext));
        if (publicHttpsPort is { } port)
        {
            app.Use(new ClearTextHttp(port).InvokeAsync);
        }

        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(GuardDashboardAsync);
        return app;
    }

    /// <summary>The admin API under /api/v1, and what describes it at /openapi/v1.json (which needs no key: it says nothing of this installation).</summary>
    public static WebApplication MapMailGrainsApi(this WebApplication app)
    {
        AdminApi.Map(app);
        app.MapOpenApi("/openapi/{documentName}.json");
        return app;
    }

    /// <summary>The Orleans Dashboard at /dashboard, behind the operator's key.</summary>
    public static WebApplication MapMailGrainsDashboard(this WebApplication app)
    {
        app.MapOrleansDashboard(DashboardPath).RequireAuthorization(OperatorPolicy.Name);
        return app;
    }

    private static Task GuardDashboardAsync(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments(DashboardPath, out var rest))
        {
            return next(context);
        }

        context.Response.Headers.XFrameOptions = "DENY";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";

        // That page reads the whole reminder table at each request.
        if (rest.StartsWithSegments("/Reminders", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        return next(context);
    }
}
