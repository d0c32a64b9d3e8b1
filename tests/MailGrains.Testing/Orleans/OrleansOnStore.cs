using MailGrains.Storage;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Messaging;
using Orleans.Storage;

namespace MailGrains.Testing.Orleans;

/// <summary>
/// The providers as a silo (and a client) would get them: registered by the builder extensions in hosts that are never started.
/// Each instance has a cluster and a service of its own unless told otherwise, so that tests share a store.
/// </summary>
public sealed class OrleansOnStore : IDisposable
{
    private readonly IHost _silo;
    private readonly Lazy<IHost> _client;

    public OrleansOnStore(
        ITableStore store,
        string? clusterId = null,
        string? serviceId = null,
        Action<ISiloBuilder>? configure = null,
        Action<TableStoreGrainStorageOptions>? grainStorage = null)
    {
        ClusterId = clusterId ?? "cluster-" + Guid.NewGuid().ToString("N");
        ServiceId = serviceId ?? "service-" + Guid.NewGuid().ToString("N");

        // The providers take tables alone; the blobs of the account are none of theirs.
        var accounts = new StorageAccounts([new StorageAccount(0, store, null!)], store);
        var silo = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        silo.Services.AddSingleton(accounts);
        silo.UseOrleans(builder =>
        {
            builder.Configure<ClusterOptions>(Name);
            builder.UseTableStoreClustering().UseTableStoreReminders().AddTableStoreGrainStorage("states", grainStorage);
            configure?.Invoke(builder);
        });
        _silo = silo.Build();

        _client = new(() =>
        {
            var client = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            client.Services.AddSingleton(accounts);
            client.UseOrleansClient(builder => builder.Configure<ClusterOptions>(Name).UseTableStoreClustering());
            return client.Build();
        });
    }

    public string ClusterId { get; }

    public string ServiceId { get; }

    public IServiceProvider Services => _silo.Services;

    public IMembershipTable Membership => _silo.Services.GetRequiredService<IMembershipTable>();

    public IReminderTable Reminders => _silo.Services.GetRequiredService<IReminderTable>();

    public IGrainStorage GrainStorage => _silo.Services.GetRequiredKeyedService<IGrainStorage>("states");

    public IGatewayListProvider Gateways => _client.Value.Services.GetRequiredService<IGatewayListProvider>();

    public void Dispose()
    {
        if (_client.IsValueCreated)
        {
            _client.Value.Dispose();
        }

        _silo.Dispose();
    }

    private void Name(ClusterOptions options)
    {
        options.ClusterId = ClusterId;
        options.ServiceId = ServiceId;
    }
}
