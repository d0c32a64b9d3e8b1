using System.Globalization;
using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MailGrains.Web.Operators;

internal sealed class OperatorKeySchemeOptions : AuthenticationSchemeOptions
{
    /// <summary>Whether HTTP Basic is taken beside a bearer token.</summary>
    public bool AllowBasic { get; set; }
}

/// <summary>
/// Knows the operator by the key: <c>Authorization: Bearer KEY</c> (RFC 6750 §2.1) or Basic (RFC 7617) with the key as password. Keys are
/// compared by their hashes in constant time.
/// </summary>
internal sealed partial class OperatorKeyHandler(
    IOptionsMonitor<OperatorKeySchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AdminOptions admin, FailureThrottle throttle)
    : AuthenticationHandler<OperatorKeySchemeOptions>(options, logger, encoder)
{
    private const int MaxHeaderChars = 1_024;

    private TimeSpan _wait;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (header.Length == 0)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var address = Context.Connection.RemoteIpAddress;
        _wait = throttle.WaitOf(address);
        if (_wait > TimeSpan.Zero)
        {
            return Task.FromResult(AuthenticateResult.Fail("Too many wrong keys came from this address."));
        }

        if (KeyOf(header) is { } key && IsOperators(key))
        {
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, "operator")], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }

        throttle.Record(address);
        LogWrongKey(Logger, address);
        return Task.FromResult(AuthenticateResult.Fail("This is not the operator's key."));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (_wait > TimeSpan.Zero)
        {
            Response.StatusCode = StatusCodes.Status429TooManyRequests;
            Response.Headers.RetryAfter = Math.Ceiling(_wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = Options.AllowBasic
            ? new[] { "Bearer realm=\"MailGrains\"", "Basic realm=\"MailGrains\", charset=\"UTF-8\"" }
            : "Bearer realm=\"MailGrains\"";
        return Task.CompletedTask;
    }

    private string? KeyOf(string header)
    {
        var space = header.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || header.Length > MaxHeaderChars)
        {
            return null;
        }

        var (scheme, credentials) = (header[..space], header[(space + 1)..].Trim(' '));
        if (scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
        {
            return credentials;
        }

        return Options.AllowBasic && scheme.Equals(BasicCredentials.Scheme, StringComparison.OrdinalIgnoreCase)
            ? BasicCredentials.Decode(credentials)?.Password
            : null;
    }

    private bool IsOperators(string key) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(key)), SHA256.HashData(Encoding.UTF8.GetBytes(admin.ApiKey)));

    [LoggerMessage(Level = LogLevel.Warning, Message = "A wrong operator key came from {Address}")]
    private static partial void LogWrongKey(ILogger logger, IPAddress? address);
}
