using MailGrains.Grains.Relay.Destinations.Reports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailGrains.Grains.Relay.Destinations;

public static class DestinationServices
{
    /// <summary>Adds <see cref="DestinationLookup"/> and what it asks for, save <see cref="Storage.StorageAccounts"/>, which the host makes.</summary>
    public static IServiceCollection AddDestinations(this IServiceCollection services, DestinationOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(options);
        services.TryAddSingleton<TlsReports>();
        services.TryAddSingleton<TlsReportTable>();
        services.TryAddSingleton<DestinationLookup>();
        services.AddHostedService<TlsReportWriter>();
        return services;
    }
}
