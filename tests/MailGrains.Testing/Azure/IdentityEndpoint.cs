using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Testing.Azure;

/// <summary>
/// The managed identity of a process, by the protocol of App Service: <c>IDENTITY_ENDPOINT</c> and <c>IDENTITY_HEADER</c> lead DefaultAzureCredential here.
/// Source: "How to use managed identities for App Service and Azure Functions", REST endpoint reference, 2019-08-01.
/// </summary>
public sealed class IdentityEndpoint : IAsyncDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly string _header = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly WebApplication _app;

    private IdentityEndpoint()
    {
        _app = LoopbackServer.Build(certificate: null);
        _app.MapGet("/msi/token", Answer);
    }

    /// <summary>The variables of a process that has this identity.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["IDENTITY_ENDPOINT"] = $"http://127.0.0.1:{LoopbackServer.PortOf(_app)}/msi/token",
        ["IDENTITY_HEADER"] = _header,
    };

    /// <summary>
    /// The next token for this resource is good only so much later than it is given, so that the service refuses it at first, as it does while a role spreads.
    /// </summary>
    public (string Resource, TimeSpan Delay)? Late { get; set; }

    public static async Task<IdentityEndpoint> StartAsync()
    {
        var endpoint = new IdentityEndpoint();
        await endpoint._app.StartAsync();
        return endpoint;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult Answer(HttpRequest request)
    {
        if (request.Headers["X-IDENTITY-HEADER"] != _header)
        {
            return Results.Json(new { statusCode = 401, message = "Unauthorized" }, statusCode: StatusCodes.Status401Unauthorized);
        }

        var resource = request.Query["resource"].ToString();
        var now = DateTimeOffset.UtcNow;
        var from = now;
        if (Late is { } late && late.Resource == resource.TrimEnd('/'))
        {
            (from, Late) = (now + late.Delay, null);
        }

        return Results.Json(new
        {
            access_token = AccessTokens.Issue(resource, from, now + Life),
            expires_on = (now + Life).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            resource,
            token_type = "Bearer",
            client_id = "66666666-7777-8888-9999-000000000000",
        });
    }
}
