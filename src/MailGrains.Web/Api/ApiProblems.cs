using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Web.Api;

/// <summary>The one place where outcomes and exceptions become problems (RFC 9457).</summary>
internal static partial class ApiProblems
{
    private const string RetryAfterSeconds = "5";

    public static ProblemHttpResult NotFound(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status404NotFound);

    /// <summary>Why a PUT was not carried out, or null when it was.</summary>
    public static ProblemHttpResult? Of(PutOutcome outcome) => outcome.Status switch
    {
        PutStatus.Created or PutStatus.Changed => null,
        PutStatus.NoParent => TypedResults.Problem(outcome.Reason, statusCode: StatusCodes.Status404NotFound),
        PutStatus.Taken => TypedResults.Problem(outcome.Reason, statusCode: StatusCodes.Status409Conflict),
        _ => TypedResults.Problem(outcome.Reason, statusCode: StatusCodes.Status400BadRequest),
    };

    public static IResult Of(DeleteOutcome outcome) => outcome switch
    {
        DeleteOutcome.Deleted => TypedResults.NoContent(),
        DeleteOutcome.NotEmpty => TypedResults.Problem("It still has parts; delete those first.", statusCode: StatusCodes.Status409Conflict),
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
            return TypedResults.Problem(e.Message, statusCode: e.Status);
        }
        catch (BadHttpRequestException e)
        {
            return TypedResults.Problem("The request could not be read.", statusCode: e.StatusCode);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return TypedResults.Empty;
        }
        catch (Exception e) when (e is StoreUnavailableException or OrleansException or TimeoutException or OperationCanceledException)
        {
            LogUnavailable(Logger(context), e, context.Request.Method, context.Request.Path);
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
            return TypedResults.Problem(
                "It could not be done now; repeat it. What a change has begun goes on from there.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(Logger(context), e, context.Request.Method, context.Request.Path);
            return TypedResults.Problem(statusCode: StatusCodes.Status500InternalServerError);
        }
    });

    private static ILogger Logger(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ApiProblems).FullName!);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path} could not be carried out now")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, string method, PathString path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
