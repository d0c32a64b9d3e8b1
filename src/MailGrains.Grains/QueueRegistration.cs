using MailGrains.Grains.Notices;
using MailGrains.Grains.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailGrains.Grains;

public static class QueueRegistration
{
    /// <summary>What queues need beside <see cref="StorageAccounts"/>; a silo that keeps queues calls it.</summary>
    public static IServiceCollection AddQueueGrains(
        this IServiceCollection services, QueueOptions? queues = null, NoticeOptions? notices = null)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(queues ?? new QueueOptions());
        services.TryAddSingleton(notices ?? new NoticeOptions());
        services.TryAddSingleton(new JournalOptions());
        services.TryAddSingleton<BodyBlobs>();
        services.TryAddSingleton<QueueAccounts>();
        services.TryAddSingleton<QueueCatalog>();
        services.TryAddSingleton<QueueParts>();
        services.TryAddSingleton<LocalRetry>();
        services.TryAddSingleton<NoticePost>();
        services.TryAddSingleton<GrainMetrics>();
        return services;
    }
}
