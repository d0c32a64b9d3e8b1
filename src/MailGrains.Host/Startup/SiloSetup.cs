using MailGrains.Contracts.Calls;
using MailGrains.Gateways.Acme;
using MailGrains.Grains;
using MailGrains.Host.Configuration;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Hosting;

namespace MailGrains.Host.Startup;

/// <summary>The Orleans silo of this process.</summary>
internal static class SiloSetup
{
    /// <summary>A grain call carries 32 KiB of a body and its summary; more than this between silos is a defect.</summary>
    private const int MaxGrainMessageBytes = 8 * 1024 * 1024;

    // Room for all is taken at the start; Orleans' own million would be 18 MiB.
    private const int CachedGrainAddresses = 100_000;

    // With Orleans' own 5 s a lost silo is noticed after 20 s, with 2 s after some 5 s.
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    public static void Configure(ISiloBuilder silo, HostSettings settings, int siloPort, int gatewayPort)
    {
        silo.UseProviders();
        silo.AddOutgoingGrainCallFilter<RepeatedCalls>();
        silo.Configure<ClusterOptions>(options =>
        {
            options.ClusterId = settings.Cluster.ClusterId;
            options.ServiceId = settings.Cluster.ServiceId;
        });
        silo.Configure<EndpointOptions>(options =>
        {
            options.AdvertisedIPAddress = settings.Cluster.Address;
            options.SiloPort = siloPort;
            options.GatewayPort = gatewayPort;
            options.SiloListeningEndpoint = new(settings.Cluster.Address, siloPort);
            options.GatewayListeningEndpoint = new(settings.Cluster.Address, gatewayPort);
        });
        silo.Configure<GrainDirectoryOptions>(options => options.CacheSize = CachedGrainAddresses);
        silo.Configure<ClusterMembershipOptions>(options => options.ProbeTimeout = ProbeTimeout);
        silo.Configure<SiloMessagingOptions>(options =>
        {
            options.CancelRequestOnTimeout = true;
            options.MaxMessageBodySize = MaxGrainMessageBytes;
        });
        if (!settings.Has(HostRoles.Grains))
        {
            silo.Configure<GrainTypeOptions>(options => options.Classes.ExceptWith(GrainRoles.Stateful));
        }

        if (!settings.Has(HostRoles.Gateway))
        {
            silo.Configure<GrainTypeOptions>(options => options.Classes.ExceptWith(AcmeRegistration.Grains));
        }

        if (!settings.Has(HostRoles.Relay))
        {
            silo.Configure<GrainTypeOptions>(options => options.Classes.ExceptWith(GrainRoles.Relay));
        }

        // On every silo, or the one that shows the dashboard sees only itself. Its log stream would show mail's traces.
        silo.AddDashboard(options => options.HideTrace = true);
    }
}
