using System.Globalization;
using MailGrains.Contracts.Directory;
using MailGrains.Web.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace MailGrains.Web;

/// <summary>
/// What a process that serves HTTPS answers in clear: probes and the challenges of certificate authorities, which come so. Other questions are
/// sent to HTTPS, orders and whatever carries a key are refused: a redirect would let a script show its key to the whole way for ever.
/// Requests that nobody can have read (<see cref="PrivateRequest"/>) are answered as without HTTPS.
/// </summary>
/// <param name="publicPort">Where clients reach HTTPS, which need not be the port of this process.</param>
internal sealed class ClearTextHttp(int publicPort)
{
    private const int HttpsPort = 443;
    private const string LocalHost = "localhost";

    /// <summary>RFC 8555 §8.3.</summary>
    private const string Challenges = "/.well-known/acme-challenge/";

    // RFC 6797 §6.1.1. Names below a host's own may be somebody else's, so they are not included.
    private const string HalfAYear = "max-age=15552000";

    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        if (request.IsHttps)
        {
            // It would bind every port of the developer's machine.
            if (!request.Host.Host.Equals(LocalHost, StringComparison.OrdinalIgnoreCase))
            {
                http.Response.Headers.StrictTransportSecurity = HalfAYear;
            }

            return next(http);
        }

        if (PrivateRequest.IsPrivate(http))
        {
            return next(http);
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            return Refuse(http, StatusCodes.Status403Forbidden, "This is answered over HTTPS only.");
        }

        if (IsOpen(request.Path.Value ?? ""))
        {
            return next(http);
        }

        if (request.Headers.ContainsKey("Authorization"))
        {
            return Refuse(http, StatusCodes.Status403Forbidden, "Keys and passwords are heard over HTTPS only; this one was sent in clear.");
        }

        if (AuthorityOf(request.Host) is not { } authority)
        {
            return Refuse(http, StatusCodes.Status400BadRequest, "The request names no host.");
        }

        http.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        http.Response.Headers.Location = UriHelper.BuildAbsolute(Uri.UriSchemeHttps, authority, request.PathBase, request.Path, request.QueryString);
        return Task.CompletedTask;
    }

    private static bool IsOpen(string path) =>
        path is "/health/live" or "/health/ready" or "/health/serving" || path.StartsWith(Challenges, StringComparison.Ordinal);

    /// <summary>The host that the client asked for, where that is the name or the address of one; its port is that of the clear text.</summary>
    private HostString? AuthorityOf(HostString asked)
    {
        var host = Uri.CheckHostName(asked.Host) switch
        {
            UriHostNameType.IPv4 or UriHostNameType.IPv6 => asked.Host,
            UriHostNameType.Dns when AddressName.TryNormalizeDomain(asked.Host, out var name) => name,
            _ => null,
        };
        return host is null ? null
            : publicPort == HttpsPort ? new HostString(host)
            : new HostString($"{host}:{publicPort.ToString(CultureInfo.InvariantCulture)}");
    }

    private static Task Refuse(HttpContext http, int status, string why) => ApiProblems.Of(status, why).ExecuteAsync(http);
}
