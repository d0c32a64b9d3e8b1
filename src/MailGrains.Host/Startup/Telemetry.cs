using System.Reflection;
using Azure.Monitor.OpenTelemetry.Exporter;
using MailGrains.Gateways;
using MailGrains.Grains;
using MailGrains.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace MailGrains.Host.Startup;

/// <summary>
/// Metrics for Prometheus at /metrics, by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says so (with the other variables of its specification), and for Azure
/// Monitor where there is a connection string of Application Insights.
/// </summary>
internal static class Telemetry
{
    /// <summary>The name that Azure's tools give it; not below MailGrains.</summary>
    public const string AzureMonitorSetting = "APPLICATIONINSIGHTS_CONNECTION_STRING";

    private const string OrleansMeter = "Microsoft.Orleans";

    /// <summary>Labels are of small fixed sets; room for the exporter's 2,000 would be taken at the start, for each instrument.</summary>
    private const int MostLabelSets = 100;

    // Of Orleans' hundred instruments those that tell of trouble or of size. Most of the others are written several times a message.
    private static readonly HashSet<string> KeptOfOrleans = new(StringComparer.Ordinal)
    {
        "orleans-app-requests-timedout",
        "orleans-catalog-activations",
        "orleans-catalog-activation-concurrent-registration-attempts",
        "orleans-catalog-activation-failed-to-activate",
        "orleans-grains",
        "orleans-messaging-pings-reply-missed",
        "orleans-messaging-rejected",
        "orleans-reminders-active",
        "orleans-reminders-tardiness",
        "orleans-scheduler-long-running-turns",
    };

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                "mailgrains", serviceVersion: Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion))
            .WithMetrics(metrics => metrics
                .AddMeter(GatewayMetrics.MeterName, GrainMetrics.MeterName, StoreMetrics.MeterName, OrleansMeter)
                .AddView(static instrument => instrument.Meter.Name == OrleansMeter && !KeptOfOrleans.Contains(instrument.Name)
                    ? MetricStreamConfiguration.Drop
                    : new MetricStreamConfiguration { CardinalityLimit = MostLabelSets })
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter());
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")))
        {
            telemetry.UseOtlpExporter();
        }

        if (configuration[AzureMonitorSetting] is { } connection && !string.IsNullOrWhiteSpace(connection))
        {
            telemetry.WithMetrics(metrics => metrics.AddAzureMonitorMetricExporter(monitor =>
            {
                monitor.ConnectionString = connection;

                // What could not be sent is not kept on a disk: the next minute's figures stand for themselves.
                monitor.DisableOfflineStorage = true;
            }));
        }
    }
}
