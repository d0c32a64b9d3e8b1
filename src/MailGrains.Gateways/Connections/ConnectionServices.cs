using MailGrains.Gateways.Connections.Lookups;
using MailGrains.Messages.Dns;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Connections;

public static class ConnectionServices
{
    /// <summary>What stands before the sessions of all mail listeners.</summary>
    public static IServiceCollection AddConnectionPolicy(this IServiceCollection services, ConnectionOptions options) => services
        .AddSingleton(options)
        .AddSingleton<SessionSlots>()
        .AddSingleton<AddressBudgets>()
        .AddSingleton(new DnsResolver(new DnsResolverOptions { Servers = options.DnsServers }))
        .AddSingleton<Dnsbl>()
        .AddSingleton<PeerLookups>()
        .AddSingleton<Admission>()
        .AddSingleton<ProxyProtocol>();
}
