using MailGrains.Grains.Alarms;
using MailGrains.Grains.Directory;
using MailGrains.Grains.Mailboxes;
using MailGrains.Grains.Queues;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Grains.Senders;
using MailGrains.Grains.Upkeep;

namespace MailGrains.Grains;

/// <summary>
/// The grain classes that keep state: a silo without the role <c>grains</c> removes them from its manifest
/// (<c>GrainTypeOptions.Classes</c>), so that they never land on it. Other stateless workers stay on every silo.
/// </summary>
public static class GrainRoles
{
    public static IReadOnlyList<Type> Stateful { get; } =
    [
        typeof(TenantGrain), typeof(DomainGrain), typeof(AddressGrain), typeof(AccountGrain), typeof(MailboxGrain), typeof(UpkeepGrain),
        typeof(SenderGrain), typeof(LoginSourceGrain), typeof(DomainQueueGrain), typeof(DestinationGrain), typeof(QueueWatchGrain), typeof(QueueRecoveryGrain),
    ];

    /// <summary>Those that send to other servers: a silo without the role <c>relay</c> removes them.</summary>
    public static IReadOnlyList<Type> Relay { get; } = [typeof(RelayGrain), typeof(RouteGrain)];
}
