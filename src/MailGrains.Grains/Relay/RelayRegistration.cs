using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Grains.Relay.Destinations.Reports;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Grains.Relay.Sending;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay;

public static class RelayRegistration
{
    /// <summary>What a silo of the role <c>relay</c> needs beside the store's accounts.</summary>
    public static IServiceCollection AddRelay(
        this IServiceCollection services, RelayOptions options, Destinations.DestinationOptions destinations, Limits.DestinationOptions limits)
    {
        services.AddMetrics();
        services.AddDestinations(destinations);
        services.TryAddSingleton(limits);
        services.TryAddSingleton(options);
        services.TryAddSingleton<BodyBlobs>();
        services.TryAddSingleton<RelayAlarms>();
        services.TryAddSingleton<RelayMetrics>();
        services.TryAddSingleton(provider => new DestinationLeases(
            provider.GetRequiredService<IGrainFactory>(), limits, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<DestinationLeases>>(), provider.GetRequiredService<ILocalSiloDetails>().Name));
        services.TryAddSingleton(provider => new RelayRouting(
            options.Routes, provider.GetRequiredService<DestinationLookup>(), limits.SourcesOf, options, BackupOf(provider.GetRequiredService<IGrainFactory>())));
        services.TryAddSingleton(provider => new RelaySender(
            options,
            provider.GetRequiredService<RelayRouting>(),
            new SiteConnector(
                options, destinations.Roots, provider.GetRequiredService<TlsReports>(), provider.GetRequiredService<RelayMetrics>(),
                provider.GetRequiredService<RelayAlarms>(), provider.GetRequiredService<TimeProvider>()),
            provider.GetRequiredService<DestinationLeases>(), provider.GetRequiredService<BodyBlobs>(), provider.GetRequiredService<RelayMetrics>(),
            QueuesOf(provider.GetRequiredService<IGrainFactory>()), provider.GetRequiredService<ILocalSiloDetails>().SiloAddress,
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RelaySender>>()));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, RelayLifecycle>();
        return services;
    }

    private static Func<QueueId, IDomainQueueGrain> QueuesOf(IGrainFactory grains) => queue => grains.GetGrain<IDomainQueueGrain>(queue.ToString());

    private static Func<string, CancellationToken, ValueTask<bool>> BackupOf(IGrainFactory grains) => async (domain, cancellationToken) =>
        await grains.GetGrain<IDomainGrain>(domain).FindAsync(cancellationToken) is { Settings.BackupMx: true };

    /// <summary>Before anything else of the silo stops, the sender does: its reports need the grains.</summary>
    private sealed class RelayLifecycle(RelaySender sender) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
            nameof(RelaySender), ServiceLifecycleStage.Last, static _ => Task.CompletedTask, _ => sender.StopAsync());
    }
}
