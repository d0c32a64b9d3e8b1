using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Testing.Azure;

/// <summary>
/// Azure Resource Manager over https on loopback: answers GET of what it was given, and wants a token for it. Its name is the service's own, which a
/// <see cref="ConnectProxy"/> leads here. Source: "Azure REST API reference", error response of Resource Manager.
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
        _app.MapGet("/{**path}", Answer);
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

    public void Clear() => _answers.Clear();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private IResult Answer(HttpRequest request)
    {
        var token = request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.Ordinal) ? header[7..] : null;
        return !AccessTokens.IsGood(token, Resource) ? Error(StatusCodes.Status401Unauthorized, "AuthenticationFailed")
            : string.IsNullOrEmpty(request.Query["api-version"]) ? Error(StatusCodes.Status400BadRequest, "MissingApiVersionParameter")
            : _answers.TryGetValue(request.Path, out var body) ? Results.Json(body)
            : Error(StatusCodes.Status404NotFound, "ResourceNotFound");
    }

    private static IResult Error(int status, string code) => Results.Json(new { error = new { code, message = "Refused." } }, statusCode: status);
}
