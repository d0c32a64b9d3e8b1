using MailGrains.Web.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailGrains.Web.Api;

/// <summary>What the API's description (OpenAPI) says beside the endpoints' own metadata.</summary>
internal static class ApiDescription
{
    private const string SecurityScheme = "operatorKey";
    private const string UserScheme = "basic";

    private static readonly string UsersPath = AdminApi.Prefix.TrimStart('/') + UserEndpoints.Path;

    public static void Configure(OpenApiOptions options)
    {
        options.ShouldInclude = description => description.RelativePath?.StartsWith(AdminApi.Prefix.TrimStart('/'), StringComparison.Ordinal) == true;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "MailGrains admin API",
                Version = "v1",
                Description = "Tenants, their domains, mailboxes and aliases; queues for other servers; ordered certificates; and what users see of their own account. Errors are problem+json (RFC 9457).",
            };

            // Where it was fetched from is where it is.
            document.Servers = [];
            document.AddComponent<IOpenApiSecurityScheme>(
                SecurityScheme, new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The operator's key." });
            document.AddComponent<IOpenApiSecurityScheme>(
                UserScheme, new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "basic", Description = "The user's address and password." });
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SecurityScheme, document)] = [] }];
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.RelativePath?.StartsWith(UsersPath, StringComparison.Ordinal) == true)
            {
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(UserScheme, context.Document)] = [] }];
            }

            return Task.CompletedTask;
        });
    }

    public static RouteHandlerBuilder DescribeList<TPage>(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .Produces<TPage>()
        .ProducesProblems(StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound);

    public static RouteHandlerBuilder DescribeGet<TView>(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .Produces<TView>()
        .ProducesProblems(StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound);

    public static RouteHandlerBuilder DescribePut<TBody, TView>(this RouteHandlerBuilder endpoint, string name, string summary)
        where TBody : notnull => endpoint
        .WithName(name)
        .WithSummary(summary)
        .Accepts<TBody>(isOptional: true, "application/json")
        .Produces<TView>()
        .Produces<TView>(StatusCodes.Status201Created)
        .ProducesProblems(
            StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound, StatusCodes.Status409Conflict, StatusCodes.Status413PayloadTooLarge,
            StatusCodes.Status415UnsupportedMediaType);

    public static RouteHandlerBuilder DescribeDelete(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .Produces(StatusCodes.Status204NoContent)
        .ProducesProblems(StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound, StatusCodes.Status409Conflict);

    public static RouteHandlerBuilder DescribeOrder(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .Accepts<QueueOrderBody>("application/json")
        .Produces<QueueOrderView>()
        .ProducesProblems(
            StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound, StatusCodes.Status413PayloadTooLarge,
            StatusCodes.Status415UnsupportedMediaType);

    public static RouteHandlerBuilder DescribeUserChange(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .ProducesProblems(
            StatusCodes.Status400BadRequest, StatusCodes.Status403Forbidden, StatusCodes.Status413PayloadTooLarge,
            StatusCodes.Status415UnsupportedMediaType);

    private static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder endpoint, params int[] statuses)
    {
        foreach (var status in (int[])[.. statuses, StatusCodes.Status401Unauthorized, StatusCodes.Status429TooManyRequests, StatusCodes.Status503ServiceUnavailable])
        {
            endpoint.ProducesProblem(status);
        }

        return endpoint;
    }
}
