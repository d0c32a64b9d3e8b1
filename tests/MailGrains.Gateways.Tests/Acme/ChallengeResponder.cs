using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Tests.Acme;

/// <summary>Where an authority looks for answers to HTTP-01.</summary>
internal sealed class ChallengeResponder : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ChallengeResponder(WebApplication app) => _app = app;

    public ConcurrentDictionary<string, string> Answers { get; } = new();

    /// <summary>What an answer waits for.</summary>
    public Func<Task> Gate { get; set; } = () => Task.CompletedTask;

    public int Port { get; private set; }

    public static async Task<ChallengeResponder> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var responder = new ChallengeResponder(builder.Build());
        responder._app.MapGet("/.well-known/acme-challenge/{token}", async (string token) =>
        {
            await responder.Gate();
            return responder.Answers.TryGetValue(token, out var answer) ? Results.Text(answer) : Results.NotFound();
        });
        await responder._app.StartAsync();
        responder.Port = new Uri(responder._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        return responder;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
