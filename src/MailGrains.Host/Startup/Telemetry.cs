using System.Reflection;
using MailGrains.Gateways;
using MailGrains.Grains;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace MailGrains.Host.Startup;

/// <summary>Metrics for Prometheus at /metrics, and by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says so (with the other variables of its specification).</summary>
internal static class Telemetry
{
    public static void Add(IServiceCollection services)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                "mailgrains", serviceVersion: Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion))
            .WithMetrics(metrics => metrics
                .AddMeter(GatewayMetrics.MeterName, GrainMetrics.MeterName, StoreMetrics.MeterName, "Microsoft.Orleans")
                .AddMeter("Microsoft.AspNetCore.Server.Kestrel")
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter());
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")))
        {
            telemetry.UseOtlpExporter();
        }
    }
}
