using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Testing.Azure;

/// <summary>
/// Azure Resource Manager over https on loopback: answers GET of what it was given, keeps what is PUT, registers providers at once, and wants a token for it
/// all. Its name is the service's own, which a <see cref="ConnectProxy"/> leads here. Source: "Azure REST API reference", error response of Resource Manager.
/// </summary>
public sealed class ResourceManagerServer : IAsyncDisposable
{
    public const string Resource = "https://management.azure.com";
    public const string Host = "management.azure.com";

    private readonly ConcurrentDictionary<string, JsonElement> _answers = new(StringComparer.OrdinalIgnoreCase);
    private readonly X509Certificate2 _certificate;
    private readonly WebApplication _app;

    private ResourceManagerServer(TestAuthority authority)
    {
        var (certificate, key) = authority.Issue("resource-manager", Host);
        _certificate = X509Certificate2.CreateFromPemFile(certificate, key);
        _app = LoopbackServer.Build(_certificate);
        _app.Use(AuthorizeAsync);
        _app.MapGet("/{**path}", (HttpRequest request) => Answer(request.Path));
        _app.MapPut("/{**path}", PutAsync);
        _app.MapPost("/subscriptions/{id}/providers/{name}/register", (string id, string name) =>
        {
            Set($"/subscriptions/{id}/providers/{name}", new { registrationState = "Registered" });
            return Answer($"/subscriptions/{id}/providers/{name}");
        });
    }

    public int Port => LoopbackServer.PortOf(_app);

    public static async Task<ResourceManagerServer> StartAsync(TestAuthority authority)
    {
        var server = new ResourceManagerServer(authority);
        await server._app.StartAsync();
        return server;
    }

    /// <param name="path">With its slash, without a query; the version of the API is not looked at, as long as there is one.</param>
    /// <param name="body">Becomes JSON.</param>
    public void Set(string path, object body) => _answers[path] = JsonSerializer.SerializeToElement(body);

    /// <summary>What is there; null: nothing.</summary>
    public JsonElement? Find(string path) => _answers.TryGetValue(path, out var body) ? body : null;

    public void Clear() => _answers.Clear();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private static async Task AuthorizeAsync(HttpContext context, RequestDelegate next)
    {
        var token = context.Request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.Ordinal) ? header[7..] : null;
        var refusal = !AccessTokens.IsGood(token, Resource) ? Error(StatusCodes.Status401Unauthorized, "AuthenticationFailed")
            : string.IsNullOrEmpty(context.Request.Query["api-version"]) ? Error(StatusCodes.Status400BadRequest, "MissingApiVersionParameter")
            : null;
        await (refusal?.ExecuteAsync(context) ?? next(context));
    }

    private IResult Answer(string path) => Find(path) is { } body ? Results.Json(body) : Error(StatusCodes.Status404NotFound, "ResourceNotFound");

    private async Task<IResult> PutAsync(HttpRequest request)
    {
        var body = (await JsonNode.ParseAsync(request.Body))!.AsObject();
        var properties = body["properties"] as JsonObject ?? [];
        properties["provisioningState"] = "Succeeded";
        body["properties"] = properties;
        Set(request.Path, body);
        return Results.Json(body, statusCode: StatusCodes.Status201Created);
    }

    private static IResult Error(int status, string code) => Results.Json(new { error = new { code, message = "Refused." } }, statusCode: status);
}
