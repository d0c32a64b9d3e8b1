using System.Globalization;
using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Text;
using MailGrains.Web.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging;

namespace MailGrains.Web.Users;

/// <summary>Who has logged in, and what the login counts by.</summary>
internal sealed record User(LoginAccount Account, IAccountGrain Grain, LoginAttempt Attempt);

/// <summary>
/// Logs a user in for one request, by HTTP Basic (RFC 7617) with address and password. Not a scheme of the authentication middleware: its failures
/// (a store that can't be read, a wait) are answers of the API like others. Nobody outside learns whether an account exists.
/// </summary>
internal sealed partial class UserLogin(IGrainFactory grains, TimeProvider time, ILogger<UserLogin> logger) : IEndpointFilter
{
    public const string Challenge = "Basic realm=\"MailGrains account\", charset=\"UTF-8\"";

    private const int MaxHeaderChars = 4_096;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (!PrivateRequest.IsPrivate(http))
        {
            return ApiProblems.Of(StatusCodes.Status403Forbidden, "Passwords are heard over HTTPS only.");
        }

        // A form of somebody else's page can't send this type, and its browser would add the password by itself.
        if ((HttpMethods.IsPost(http.Request.Method) || HttpMethods.IsPut(http.Request.Method)) && !http.Request.HasJsonContentType())
        {
            return ApiProblems.Of(StatusCodes.Status415UnsupportedMediaType, "The body is to be application/json.");
        }

        var (user, refusal) = await LogInAsync(http);
        if (user is null)
        {
            return refusal;
        }

        http.Items[typeof(User)] = user;
        return await next(context);
    }

    public static User Of(HttpContext http) => (User)http.Items[typeof(User)]!;

    /// <summary>Waits as long as a failure costs, logs it and counts it by address, and says what is answered; null: it was accepted.</summary>
    public async ValueTask<IResult?> RefusalAsync(
        HttpContext http, string name, LoginOutcome outcome, LoginAttempt attempt, IResult badCredentials)
    {
        if (outcome.Status != LoginStatus.Accepted)
        {
            LogRefused(new LogText(name), attempt.Peer, outcome.Status);
            await grains.GetGrain<ILoginSourceGrain>(attempt.Peer).RecordFailureAsync(http.RequestAborted);
        }

        if (outcome.Delay > TimeSpan.Zero)
        {
            await Task.Delay(outcome.Delay, time, http.RequestAborted);
        }

        return outcome.Status switch
        {
            LoginStatus.Accepted => null,
            LoginStatus.Locked => Locked(http, outcome.LockedUntil),
            LoginStatus.Disabled => ApiProblems.Of(StatusCodes.Status403Forbidden, "The account is disabled."),
            _ => badCredentials,
        };
    }

    private async ValueTask<(User? User, IResult? Refusal)> LogInAsync(HttpContext http)
    {
        if (Credentials(http.Request.Headers.Authorization.ToString()) is not { } credentials)
        {
            return (null, Unauthorized());
        }

        var attempt = new LoginAttempt(AccessScope.Web, LoginPeer.Of(http.Connection.RemoteIpAddress ?? IPAddress.None));
        if (await grains.GetGrain<ILoginSourceGrain>(attempt.Peer).LockedUntilAsync(http.RequestAborted) is { } until)
        {
            LogSourceLocked(new LogText(credentials.Address), attempt.Peer, until);
            return (null, Locked(http, until));
        }

        var account = grains.GetGrain<IAccountGrain>(await AccountKey.OfLoginAsync(grains, credentials.Address, http.RequestAborted));
        var outcome = await account.LogInAsync(credentials.Password, attempt, http.RequestAborted);
        return await RefusalAsync(http, credentials.Address, outcome, attempt, Unauthorized()) is { } refusal
            ? (null, refusal)
            : (new User(outcome.Account!, account, attempt), null);
    }

    private static (string Address, string Password)? Credentials(string header) =>
        header.Length <= MaxHeaderChars && header.StartsWith(BasicCredentials.Scheme + " ", StringComparison.OrdinalIgnoreCase)
            ? BasicCredentials.Decode(header[(BasicCredentials.Scheme.Length + 1)..].Trim(' '))
            : null;

    private static ChallengeResult Unauthorized() => new();

    private ProblemHttpResult Locked(HttpContext http, DateTimeOffset? until)
    {
        var wait = Math.Max(1, Math.Ceiling(((until ?? time.GetUtcNow()) - time.GetUtcNow()).TotalSeconds));
        http.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        return ApiProblems.Of(StatusCodes.Status429TooManyRequests, "Too many logins have failed.");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Login as {Name} from {Peer} for Web refused: {Status}")]
    private partial void LogRefused(LogText name, string peer, LoginStatus status);

    [LoggerMessage(Level = LogLevel.Information, Message = "Login as {Name} from {Peer} refused: that address is locked until {Until}")]
    private partial void LogSourceLocked(LogText name, string peer, DateTimeOffset until);

    /// <summary>The same answer to whatever is wrong; the header is set when it is sent.</summary>
    private sealed class ChallengeResult : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.WWWAuthenticate = Challenge;
            return ApiProblems.Of(StatusCodes.Status401Unauthorized, "Address or password is not right.").ExecuteAsync(httpContext);
        }
    }
}
