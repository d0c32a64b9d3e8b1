using System.Net;
using System.Threading.Channels;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Orleans;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Reminders;
using Orleans.Runtime;

namespace MailGrains.Storage.Tests.Orleans;

/// <summary>
/// Real silos and clients in this process that speak over loopback TCP and know of each other through the table store alone. Each takes a
/// store of its own from <paramref name="open"/>, as processes would.
/// </summary>
internal sealed class TestCluster(Func<ValueTask<ITableStore>> open) : IAsyncDisposable
{
    private readonly List<IHost> _hosts = [];
    private readonly string _id = Guid.NewGuid().ToString("N");

    public Channel<ProbeTick> Ticks { get; } = Channel.CreateUnbounded<ProbeTick>();

    /// <summary>The clock of all silos' reminders.</summary>
    public FakeTimeProvider ReminderTime { get; } = new(new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero));

    public static IGrainFactory Grains(IHost host) => host.Services.GetRequiredService<IGrainFactory>();

    public static SiloAddress Address(IHost silo) => silo.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;

    public async Task<IHost> StartSiloAsync(CancellationToken cancellationToken)
    {
        var store = await open();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(Ticks).AddSingleton(Accounts(store));
        builder.Services.AddKeyedSingleton<TimeProvider>(ReminderTimeProviderNames.Reminders, new ReminderClock(ReminderTime));
        builder.UseOrleans(silo => silo
            .Configure<ClusterOptions>(Name)
            .ConfigureEndpoints(IPAddress.Loopback, FreePort.Choose(), FreePort.Choose())
            .UseTableStoreClustering()
            .UseTableStoreReminders()
            .AddTableStoreGrainStorage("Default"));
        return await StartAsync(builder, cancellationToken);
    }

    public async Task<IHost> StartClientAsync(CancellationToken cancellationToken)
    {
        var store = await open();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(Accounts(store));
        builder.UseOrleansClient(client => client.Configure<ClusterOptions>(Name).UseTableStoreClustering());
        return await StartAsync(builder, cancellationToken);
    }

    public async Task StopAsync(IHost host, CancellationToken cancellationToken)
    {
        _hosts.Remove(host);
        await host.StopAsync(cancellationToken);
        host.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        // Clients first, then silos, the last one first.
        foreach (var host in Enumerable.Reverse(_hosts).ToArray())
        {
            await StopAsync(host, CancellationToken.None);
        }
    }

    /// <summary>A silo can't be told to take any port: its address is its identity. So two are found free and taken at once.</summary>
    private static StorageAccounts Accounts(ITableStore store) => new([new StorageAccount(0, store, null!)], store);

    private async Task<IHost> StartAsync(HostApplicationBuilder builder, CancellationToken cancellationToken)
    {
        var host = builder.Build();
        _hosts.Add(host);
        await host.StartAsync(cancellationToken);
        return host;
    }

    private void Name(ClusterOptions options)
    {
        options.ClusterId = "cluster-" + _id;
        options.ServiceId = "service-" + _id;
    }
}
