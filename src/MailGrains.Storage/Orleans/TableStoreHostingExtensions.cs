using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Messaging;
using Orleans.Runtime.Hosting;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// Puts Orleans' membership, reminders and grain states on the cluster's table store: <see cref="StorageAccounts.Cluster"/> of the
/// registered <see cref="StorageAccounts"/>. Cluster and service ids come from <see cref="ClusterOptions"/>.
/// </summary>
public static class TableStoreHostingExtensions
{
    public static ISiloBuilder UseTableStoreClustering(this ISiloBuilder builder)
    {
        builder.Services.AddSingleton<IMembershipTable>(services => new TableStoreMembershipTable(
            Store(services), Cluster(services).ClusterId, services.GetRequiredService<ILogger<TableStoreMembershipTable>>()));
        return builder;
    }

    public static IClientBuilder UseTableStoreClustering(this IClientBuilder builder)
    {
        builder.Services.AddSingleton<IGatewayListProvider>(services => new TableStoreGatewayListProvider(
            Store(services),
            Cluster(services).ClusterId,
            services.GetRequiredService<IOptions<GatewayOptions>>().Value.GatewayListRefreshPeriod,
            services.GetRequiredService<ILogger<TableStoreGatewayListProvider>>()));
        return builder;
    }

    /// <summary>Removes a cluster's membership. Only for a store that no other process can have open, before the silo starts.</summary>
    public static Task ForgetSilosAsync(this StorageAccounts accounts, string clusterId, CancellationToken cancellationToken) =>
        new TableStoreMembershipTable(accounts.Cluster, clusterId, NullLogger.Instance).DeleteMembershipTableEntriesAsync(clusterId, cancellationToken);

    /// <summary>Every silo of a cluster calls this: each watches its part of all reminders, whatever grains it hosts.</summary>
    public static ISiloBuilder UseTableStoreReminders(this ISiloBuilder builder)
    {
        builder.AddReminders();
        builder.Services.AddSingleton<IReminderTable>(services => new TableStoreReminderTable(
            Store(services),
            Cluster(services).ServiceId,
            Cluster(services).ClusterId,
            services.GetRequiredService<ILogger<TableStoreReminderTable>>()));
        return builder;
    }

    public static ISiloBuilder AddTableStoreGrainStorage(
        this ISiloBuilder builder, string name, Action<TableStoreGrainStorageOptions>? configure = null)
    {
        builder.Services.AddOptions<TableStoreGrainStorageOptions>(name)
            .Configure(options => configure?.Invoke(options))
            .PostConfigure<IServiceProvider>((options, services) => options.GrainStorageSerializer ??= Serializer(services, name));
        builder.Services.AddGrainStorage(name, (services, provider) => new TableStoreGrainStorage(
            provider,
            services.GetRequiredService<IOptionsMonitor<TableStoreGrainStorageOptions>>().Get(provider),
            Store(services),
            Cluster(services).ServiceId,
            services.GetRequiredService<IActivatorProvider>()));
        return builder;
    }

    private static ITableStore Store(IServiceProvider services) => services.GetRequiredService<StorageAccounts>().Cluster;

    private static ClusterOptions Cluster(IServiceProvider services) => services.GetRequiredService<IOptions<ClusterOptions>>().Value;

    private static IGrainStorageSerializer Serializer(IServiceProvider services, string name) =>
        services.GetKeyedService<IGrainStorageSerializer>(name) ??
        (services.GetService<IGrainStorageSerializer>() is { } common and not JsonGrainStorageSerializer
            ? common
            : new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>()));
}
