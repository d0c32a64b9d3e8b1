using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MailGrains.Web.Api;

/// <summary>
/// Names from a request's path, decoded once. The server leaves <c>%2F</c> as it is when it decodes a path, so that a route value does not tell
/// "/" from "%2F"; both may stand in a localpart, hence an address is taken from the request line.
/// </summary>
internal static class PathNames
{
    public static string Tenant(string routeValue) => TenantName.TryNormalize(routeValue, out var name)
        ? name
        : throw Malformed("A tenant's name is 1 to 63 of a-z, 0-9 and '-', a letter or digit first.");

    public static string Domain(string routeValue) => AddressName.TryNormalizeDomain(routeValue, out var name)
        ? name
        : throw Malformed("This is no domain name.");

    /// <summary>The domain of a queue: a name, or an address literal.</summary>
    public static string QueueDomain(string routeValue) => QueueId.TryNormalizeDomain(routeValue, out var name)
        ? name
        : throw Malformed("This is neither a domain name nor an address literal.");

    /// <param name="following">How many segments stand behind the address.</param>
    public static AddressName Address(HttpContext context, string routeValue, int following = 0) =>
        AddressName.TryParse(Segment(context, routeValue, following), out var address) ? address : throw Malformed("This is no mail address.");

    private static string Segment(HttpContext context, string routeValue, int following)
    {
        if (!routeValue.Contains("%2F", StringComparison.OrdinalIgnoreCase) ||
            context.Features.Get<IHttpRequestFeature>()?.RawTarget is not { } target)
        {
            return routeValue;
        }

        var path = target.AsSpan();
        path = path.IndexOf('?') is var query and >= 0 ? path[..query] : path;
        path = path.TrimEnd('/');
        for (; following > 0; following--)
        {
            path = path[..Math.Max(0, path.LastIndexOf('/'))];
        }

        return Uri.UnescapeDataString(path[(path.LastIndexOf('/') + 1)..].ToString());
    }

    private static ApiException Malformed(string detail) => new(StatusCodes.Status400BadRequest, detail);
}
