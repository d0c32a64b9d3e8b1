using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailGrains.Grains.Senders;

public static class SenderGrains
{
    /// <summary>Adds what <see cref="SenderGrain"/> asks for; the silo has the grain storage "Default" beside.</summary>
    public static IServiceCollection AddSenderGrains(this IServiceCollection services, SenderOptions? options = null)
    {
        services.TryAddSingleton(options ?? new SenderOptions());
        return services;
    }
}
