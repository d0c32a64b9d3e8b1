using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Web.Api;

/// <summary>The one place where outcomes and exceptions become problems (RFC 9457).</summary>
internal static partial class ApiProblems
{
    private const string RetryAfterSeconds = "5";

    /// <summary>A problem of that status; the framework has no type and title for 429.</summary>
    public static ProblemHttpResult Of(int status, string? detail = null) => status == StatusCodes.Status429TooManyRequests
        ? TypedResults.Problem(
            detail, statusCode: status, title: ReasonPhrases.GetReasonPhrase(status), type: "https://tools.ietf.org/html/rfc6585#section-4")
        : TypedResults.Problem(detail, statusCode: status);

    public static ProblemHttpResult NotFound(string detail) => Of(StatusCodes.Status404NotFound, detail);

    /// <summary>Why a PUT was not carried out, or null when it was.</summary>
    public static ProblemHttpResult? Of(PutOutcome outcome) => outcome.Status switch
    {
        PutStatus.Created or PutStatus.Changed => null,
        PutStatus.NoParent => Of(StatusCodes.Status404NotFound, outcome.Reason),
        PutStatus.Taken => Of(StatusCodes.Status409Conflict, outcome.Reason),
        _ => Of(StatusCodes.Status400BadRequest, outcome.Reason),
    };

    public static IResult Of(DeleteOutcome outcome) => outcome switch
    {
        DeleteOutcome.Deleted => TypedResults.NoContent(),
        DeleteOutcome.NotEmpty => Of(StatusCodes.Status409Conflict, "It still has parts; delete those first."),
        _ => NotFound("There is nothing of this name."),
    };

    /// <summary>Catches what the endpoints of a group throw.</summary>
    public static void Catch(RouteGroupBuilder group) => group.AddEndpointFilter(async (invocation, next) =>
    {
        var context = invocation.HttpContext;
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            return await next(invocation);
        }
        catch (ApiException e)
        {
            return Of(e.Status, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            return Of(e.StatusCode, "The request could not be read.");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return TypedResults.Empty;
        }
        catch (Exception e) when (e is StoreUnavailableException or OrleansException or TimeoutException or OperationCanceledException)
        {
            LogUnavailable(Logger(context), e, context.Request.Method, context.Request.Path);
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
            return Of(
                StatusCodes.Status503ServiceUnavailable, "It could not be done now; repeat it. What a change has begun goes on from there.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(Logger(context), e, context.Request.Method, context.Request.Path);
            return Of(StatusCodes.Status500InternalServerError);
        }
    });

    private static ILogger Logger(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ApiProblems).FullName!);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path} could not be carried out now")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, string method, PathString path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
