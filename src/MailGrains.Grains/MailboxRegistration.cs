using MailGrains.Grains.Mailboxes;
using MailGrains.Grains.Upkeep;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MailGrains.Grains;

public static class MailboxRegistration
{
    /// <summary>
    /// What mailboxes, their delivery and upkeep need beside <see cref="MailGrains.Storage.StorageAccounts"/>. A silo that keeps mailboxes calls it; with
    /// <paramref name="startUpkeep"/> set it also sees to the accounts' reminders, so it is called behind <c>UseOrleans</c>.
    /// </summary>
    public static IServiceCollection AddMailboxGrains(
        this IServiceCollection services, MailboxOptions? mailboxes = null, JournalOptions? journals = null, UpkeepOptions? upkeep = null,
        bool startUpkeep = true)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(mailboxes ?? new MailboxOptions());
        services.TryAddSingleton(journals ?? new JournalOptions());
        services.TryAddSingleton(upkeep ?? new UpkeepOptions());
        services.TryAddSingleton<BodyBlobs>();
        services.TryAddSingleton<StoredMessages>();
        services.TryAddSingleton<BodySweeper>();
        services.TryAddSingleton<MailboxStores>();
        services.TryAddSingleton<GrainMetrics>();
        if (startUpkeep)
        {
            services.AddHostedService<UpkeepStart>();
        }

        return services;
    }
}
