using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Tests.Acme;

/// <summary>An authority that answers by plain http as a test wants; directory, nonces and accounts it has of itself.</summary>
internal sealed class OddAuthority : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly RequestDelegate _answer;

    private OddAuthority(WebApplication app, RequestDelegate answer) => (_app, _answer) = (app, answer);

    public Uri Directory => new(Root, "/dir");

    public Uri Root { get; private set; } = null!;

    /// <summary>The directory's text; null: one that fits.</summary>
    public string? DirectoryText { get; set; }

    /// <param name="answer">To what is not directory, nonce or account.</param>
    public static async Task<OddAuthority> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var authority = new OddAuthority(builder.Build(), answer);
        authority._app.Run(authority.AnswerAsync);
        await authority._app.StartAsync();
        authority.Root = new Uri(authority._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return authority;
    }

    public static Task ProblemAsync(HttpContext context, int status, string type, string detail)
    {
        context.Response.StatusCode = status;
        return Results.Text($$"""{"type":"urn:ietf:params:acme:error:{{type}}","detail":"{{detail}}"}""", "application/problem+json", statusCode: status)
            .ExecuteAsync(context);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["Replay-Nonce"] = Guid.NewGuid().ToString("N");
        switch (context.Request.Path.Value)
        {
            case "/dir":
                return Results.Text(
                    DirectoryText ?? $$"""{"newNonce":"{{Root}}nonce","newAccount":"{{Root}}account","newOrder":"{{Root}}order","renewalInfo":"{{Root}}renewal"}""", "application/json").ExecuteAsync(context);
            case "/nonce":
                return Task.CompletedTask;
            case "/account":
                context.Response.Headers.Location = $"{Root}account/1";
                return Results.Text("""{"status":"valid"}""", "application/json").ExecuteAsync(context);
            default:
                return _answer(context);
        }
    }
}
