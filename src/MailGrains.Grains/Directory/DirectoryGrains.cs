using MailGrains.Grains.Queues;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailGrains.Grains.Directory;

public static class DirectoryGrains
{
    /// <summary>Adds what the directory's grains ask for, save <see cref="Storage.StorageAccounts"/>, which the host makes.</summary>
    public static IServiceCollection AddDirectoryGrains(this IServiceCollection services, PasswordOptions? passwords = null, LockoutOptions? lockouts = null)
    {
        services.AddMetrics();
        services.TryAddSingleton(passwords ?? new PasswordOptions());
        services.TryAddSingleton<PasswordChecks>();
        services.TryAddSingleton<DecoySalts>();
        services.TryAddSingleton(lockouts ?? new LockoutOptions());
        services.TryAddSingleton<UnknownAccounts>();
        services.TryAddSingleton<QueueCatalog>();
        return services;
    }
}
