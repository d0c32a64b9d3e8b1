using System.Diagnostics.Metrics;
using System.IO.Compression;
using System.Threading.Channels;
using MailGrains.Gateways;
using MailGrains.Host.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace MailGrains.Host.Tests.Startup;

/// <summary>The way to Azure Monitor, to a double of its ingestion on this machine.</summary>
public sealed class TelemetryTests
{
    private const string Instrument = "mailgrains.test.sent";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Metrics_go_to_azure_monitor_where_there_is_a_connection_string()
    {
        var sent = Channel.CreateUnbounded<(string Path, string Body)>();
        await using var ingestion = await StartIngestionAsync(sent.Writer);
        using var services = ServicesOf($"InstrumentationKey={Guid.NewGuid()};IngestionEndpoint={ingestion.Urls.Single()}/");
        using var meter = new Meter(GatewayMetrics.MeterName);
        var metrics = services.GetRequiredService<MeterProvider>();
        meter.CreateCounter<long>(Instrument).Add(7);

        metrics.ForceFlush();

        var (path, body) = await sent.Reader.ReadAsync(Cancellation);
        Assert.EndsWith("/track", path, StringComparison.Ordinal);
        Assert.Contains($"\"name\":\"{Instrument}\"", body, StringComparison.Ordinal);
        Assert.Contains("\"value\":7", body, StringComparison.Ordinal);
        Assert.Contains("\"ai.cloud.role\":\"mailgrains\"", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    public void Without_one_they_stay_here(string? connection)
    {
        using var services = ServicesOf(connection);

        Assert.NotNull(services.GetRequiredService<MeterProvider>());
    }

    [Fact]
    public void One_that_can_not_be_used_ends_the_start()
    {
        using var services = ServicesOf("InstrumentationKey=");

        Assert.Throws<InvalidOperationException>(() => services.GetRequiredService<MeterProvider>());
    }

    private static ServiceProvider ServicesOf(string? connection)
    {
        var services = new ServiceCollection().AddLogging();
        Telemetry.Add(services, new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create(Telemetry.AzureMonitorSetting, connection)]).Build());
        return services.BuildServiceProvider();
    }

    private static async Task<WebApplication> StartIngestionAsync(ChannelWriter<(string Path, string Body)> sent)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async http =>
        {
            var packed = http.Request.Headers.ContentEncoding == "gzip";
            await using var content = packed ? new GZipStream(http.Request.Body, CompressionMode.Decompress) : http.Request.Body;
            using var reader = new StreamReader(content);
            await sent.WriteAsync((http.Request.Path, await reader.ReadToEndAsync(http.RequestAborted)));
            await http.Response.WriteAsJsonAsync(new { itemsReceived = 1, itemsAccepted = 1, errors = Array.Empty<string>() });
        });
        await app.StartAsync(Cancellation);
        return app;
    }
}
