using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Dashboard;
using Orleans.Hosting;

namespace MailGrains.Web.Tests;

/// <summary>The operator's side on Kestrel, put together as the host does it, on any free port.</summary>
internal sealed class WebHost : IAsyncDisposable
{
    public const string Key = "the operator's key";

    private readonly WebApplication _app;

    private WebHost(WebApplication app)
    {
        _app = app;
        var address = new Uri(app.Urls.Single());
        Anonymous = new HttpClient { BaseAddress = address };
        Operator = new HttpClient { BaseAddress = address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Key) } };
    }

    public HttpClient Anonymous { get; }

    /// <summary>Shows the key.</summary>
    public HttpClient Operator { get; }

    public static async Task<WebHost> StartAsync(IClusterClient cluster, AdminOptions options, TimeProvider? time)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(cluster);
        builder.Services.AddSingleton<IGrainFactory>(cluster);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddMailGrainsWeb(options);
        new Client(builder.Services, builder.Configuration).AddDashboard(dashboard => dashboard.HideTrace = true);

        var app = builder.Build();
        app.UseMailGrainsWeb();
        app.MapMailGrainsApi();
        app.MapMailGrainsDashboard();
        await app.StartAsync();
        return new WebHost(app);
    }

    public async ValueTask DisposeAsync()
    {
        Anonymous.Dispose();
        Operator.Dispose();
        await _app.DisposeAsync();
    }

    /// <summary>Takes what the dashboard registers with a client; the client itself is the cluster's.</summary>
    private sealed record Client(IServiceCollection Services, IConfiguration Configuration) : IClientBuilder;
}
