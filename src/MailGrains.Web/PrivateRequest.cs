using System.Net;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Web;

/// <summary>Whether nobody on the way can have read a request.</summary>
internal static class PrivateRequest
{
    /// <summary>It came over TLS, or both ends are on this machine and no proxy says that it speaks for another client.</summary>
    public static bool IsPrivate(HttpContext http)
    {
        if (http.Request.IsHttps)
        {
            return true;
        }

        // A proxy on this machine may have a client of anywhere behind it; one that says nothing of it is the operator's fault.
        var headers = http.Request.Headers;
        return http.Connection is { RemoteIpAddress: { } remote, LocalIpAddress: { } local } && IPAddress.IsLoopback(remote) && IPAddress.IsLoopback(local) &&
            !headers.ContainsKey("Forwarded") && !headers.ContainsKey("X-Forwarded-For");
    }
}
